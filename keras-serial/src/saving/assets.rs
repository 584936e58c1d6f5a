//! Assets: the files that layers save beside their weights, such as vocabularies.

use indexmap::IndexMap;

use super::weights::kept::Kept;
use super::weights::layout::{Contents, places, places_in};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::files::{ASSETS, ModelFile};
use crate::layers::{Assets, LayerRef};

/// Returns the assets of all layers, by their paths in an archive. If a layer and its sublayer write the
/// same file, the sublayer's wins, as on disk in Keras.
pub(super) fn of(model: &LayerRef) -> Result<Vec<(String, Vec<u8>)>> {
    let mut assets = IndexMap::new();
    for place in places(model) {
        let (own, folder) = (own(&place.layer)?, assets_below(&place.path));
        assets.extend(own.iter().map(|(name, bytes)| (format!("{folder}{name}"), bytes.to_vec())));
    }
    Ok(assets.into_iter().collect())
}

/// Returns a layer's own assets.
fn own(layer: &LayerRef) -> Result<Assets> {
    if let Some(kept) = Kept::of(layer) {
        return Ok(kept.assets);
    }
    let mut own = Assets::default();
    layer.own_state().save_assets(&mut own).at_with(|| layer.name().to_owned())?;
    Ok(own)
}

/// Fails if a layer has assets, such as an adapted vocabulary, which legacy files can't hold.
pub(super) fn refuse(model: &LayerRef) -> Result<()> {
    for place in places(model) {
        if let Some((name, _)) = own(&place.layer)?.iter().next() {
            let error = Error::new(ErrorKind::Unsupported, "a legacy file can't hold the assets of the layer");
            let error = error.received(name.to_owned()).hint("save as `.keras`");
            return Err(error.at(place.layer.name().to_owned()));
        }
    }
    Ok(())
}

/// Gives each layer the assets in its folder and in folders below, as Keras does.
pub(super) fn load(model: &LayerRef, file: &ModelFile) -> Result<()> {
    for place in places_in(model, &AssetsOf(file)) {
        let prefix = assets_below(&place.path);
        let mut assets = Assets::default();
        for (name, bytes) in &file.assets {
            if let Some(name) = name.strip_prefix(&prefix).filter(|name| !name.is_empty()) {
                assets.insert_shared(name, bytes);
            }
        }
        if place.layer.placeholder().is_some() {
            if !assets.is_empty() {
                Kept::set_assets(&place.layer, assets);
            }
            continue;
        }
        place.layer.own_state().load_assets(&assets).at(ASSETS).at_with(|| place.layer.name().to_owned())?;
    }
    Ok(())
}

fn assets_below(path: &str) -> String {
    if path.is_empty() { "assets/".to_owned() } else { format!("assets/{path}/") }
}

/// The paths of a file's assets.
struct AssetsOf<'a>(&'a ModelFile);

impl Contents for AssetsOf<'_> {
    fn holds(&self, path: &str, _: &LayerRef) -> bool {
        self.reaches(path)
    }

    fn reaches(&self, path: &str) -> bool {
        let prefix = assets_below(path);
        self.0.assets.keys().any(|name| name.starts_with(&prefix))
    }
}
