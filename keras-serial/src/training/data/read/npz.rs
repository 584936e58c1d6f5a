//! `.npz`: a zip archive of `.npy` files.

use super::{Arrays, Select, npy};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::files::io::Section;
use crate::files::{Limits, ZipReader};

/// Reads the requested arrays of an archive; no other is unpacked.
pub(super) fn read(file: Section, only: &Select, limits: &Limits) -> Result<Arrays> {
    let archive = ZipReader::of_section(file, limits)?;
    let name = |member: &'_ str| member.strip_suffix(".npy").map(str::to_owned);
    let names = archive.members().iter().map(|member| {
        name(&member.name).ok_or_else(|| {
            let error = Error::new(ErrorKind::Data, "member is no array").expected("a name that ends in `.npy`");
            error.at(member.name.clone())
        })
    });
    let names = names.collect::<Result<Vec<String>>>()?;
    let known: Vec<&str> = names.iter().map(String::as_str).collect();
    let wanted = only.places(&known)?;
    let arrays = wanted.into_iter().filter_map(|place| names.get(place)).map(|name| {
        let tensor = archive
            .read(&format!("{name}.npy"))
            .and_then(|bytes| npy::read(&bytes.into(), limits).at_with(|| name.clone()))?;
        Ok((name.clone(), tensor))
    });
    arrays.collect()
}
