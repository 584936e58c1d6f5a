//! Reads HDF5 files: the walk over groups.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use hdf5_pure::{AttrValue, Dataset, Datatype, File, FormatError, Group, Layout};

use super::budget::Budgeted;
use super::h5_error;
use super::links::{Links, Widths, links};
use super::shared::Shared;
use super::tree::{H5Attr, H5Dataset, H5Group, dataset_type};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::files::Limits;
use crate::files::io::{Section, fetch, sign};
use crate::files::zip::check_sum;

/// An HDF5 file whose tree of groups and datasets has been read; data is read on demand.
///
/// These are refused with [`ErrorKind::Hdf5`] and the path in the file: soft and external links, groups
/// that contain themselves, virtual datasets, and data in other files.
#[derive(Debug, Clone)]
pub struct H5Reader {
    root: H5Group,
    trailing: u64,
}

impl H5Reader {
    /// Reads the tree of groups and datasets, without the datasets' data.
    ///
    /// # Errors
    /// [`ErrorKind::Hdf5`] when the file is broken, cut short or contains what is refused (see above);
    /// [`ErrorKind::Limit`] when it asks for more than `limits` allow.
    pub fn open(bytes: Bytes, limits: &Limits) -> Result<Self> {
        Self::of_section(bytes.into(), limits)
    }

    /// Like [`H5Reader::open`], for a file that is read on demand.
    pub(crate) fn of_section(file: Section, limits: &Limits) -> Result<Self> {
        if !file.head(8)?.starts_with(sign::HDF5) {
            return Err(match user_block(&file)? {
                None => sign::not("an HDF5 file", ErrorKind::Hdf5, &file),
                Some(length) => {
                    Error::new(ErrorKind::Hdf5, "the file begins with a user block, which can hold and hide anything")
                        .expected("an HDF5 file from the first byte on, as Keras writes it")
                        .received(format!("an HDF5 file after {length} bytes"))
                        .hint("load and save the model with Keras, if it is to be trusted")
                }
            });
        }
        let source = Budgeted::new(file);
        let file = File::from_source(source.clone()).map_err(h5_error)?;
        let superblock = file.superblock();
        if superblock.eof_address > source.file().len() {
            return Err(Error::new(ErrorKind::Hdf5, "file is cut short")
                .expected(format!("{} bytes", superblock.eof_address))
                .received(format!("{} bytes", source.file().len()))
                .hint("saving or copying it was broken off: save or copy it again"));
        }
        let trailing = source.file().len() - superblock.eof_address;
        let widths = Widths { offset: superblock.offset_size, length: superblock.length_size };
        let root = file.root();
        let shared = Arc::new(Shared { file, source, limits: limits.clone() });
        let mut walk =
            Walk { shared, widths, above: Vec::new(), groups: 0, datasets: 0, bytes: 0, unwritten: 0, attributes: 0 };
        Ok(Self { root: walk.group(&root, "")?, trailing })
    }

    /// Returns the number of bytes after the end of the HDF5 file, which nothing reads.
    pub(crate) fn trailing(&self) -> u64 {
        self.trailing
    }

    /// Reads the data of all contiguous datasets in one pass over the file, and checks the checksum of
    /// the whole file.
    ///
    /// # Errors
    /// As [`Section::read`]; [`ErrorKind::Archive`] when the checksum differs.
    pub(crate) fn read_all(&mut self, file: &Section, checksum: u32) -> Result<()> {
        let mut datasets = Vec::new();
        pieces(&mut self.root, &mut datasets);
        datasets.sort_by_key(|(range, _)| (range.start, range.end));
        // Several datasets may refer to the same data; those that overlap partially are read separately.
        let mut ranges: Vec<Range<u64>> = Vec::new();
        for (range, _) in &datasets {
            if ranges.last().is_none_or(|last| last.end <= range.start) && range.end <= file.len() {
                ranges.push(range.clone());
            }
        }
        let mut blocks = Vec::new();
        check_sum(fetch(file, &ranges, true, &mut blocks)?, checksum)?;
        let data: HashMap<Range<u64>, Bytes> = ranges.into_iter().zip(blocks).collect();
        for (range, dataset) in datasets {
            dataset.data = data.get(&range).cloned();
        }
        Ok(())
    }

    /// Returns the root group.
    pub fn root(&self) -> &H5Group {
        &self.root
    }

    /// Consumes the reader and returns the root group; its datasets keep the file open.
    pub fn into_root(self) -> H5Group {
        self.root
    }
}

/// Returns the length of what stands before an HDF5 file, if one begins where the format allows it.
fn user_block(file: &Section) -> Result<Option<u64>> {
    let mut length = 512;
    while length < file.len() {
        if file.peek(length..length.saturating_add(8))?.is_some_and(|head| head.starts_with(sign::HDF5)) {
            return Ok(Some(length));
        }
        length *= 2;
    }
    Ok(None)
}

/// Collects the contiguous datasets in a group and below, with their ranges in the file.
fn pieces<'a>(group: &'a mut H5Group, out: &mut Vec<(Range<u64>, &'a mut H5Dataset)>) {
    for dataset in group.datasets.values_mut() {
        if let Some(range) = dataset.range().filter(|range| !range.is_empty()) {
            out.push((range, dataset));
        }
    }
    group.groups.values_mut().for_each(|group| pieces(group, out));
}

/// The state of a walk.
struct Walk {
    shared: Arc<Shared>,
    widths: Widths,
    /// The header addresses of the groups around the current one.
    above: Vec<u64>,
    groups: u64,
    datasets: u64,
    bytes: u64,
    /// The bytes of datasets without an address.
    unwritten: u64,
    attributes: u64,
}

impl Walk {
    fn group(&mut self, group: &Group, path: &str) -> Result<H5Group> {
        self.groups += 1;
        let limits = self.shared.limits.clone();
        Limits::check("HDF5 groups", self.groups, limits.max_groups as u64)?;
        Limits::check("HDF5 groups inside each other", self.above.len() as u64, limits.max_depth as u64)?;
        self.members(group, path).map_err(|error| error.or_at(path))
    }

    fn members(&mut self, group: &Group, path: &str) -> Result<H5Group> {
        let source = self.shared.source.clone();
        let (values, address) = source.watch(|| group.attrs());
        let address = address.ok_or_else(|| Error::new(ErrorKind::Hdf5, "group has no header"))?;
        if self.above.contains(&address) {
            return Err(Error::new(ErrorKind::Hdf5, "group holds itself"));
        }
        let links = links(source.file(), address, self.widths)?;
        refuse_kinds(&links)?;
        let attrs = self.attributes(values.map_err(h5_error)?, group.attr_datatypes().map_err(h5_error)?)?;
        let mut result = H5Group { attrs, ..H5Group::default() };

        let datasets = group.iter_datasets().map_err(|error| listing_error(error, &links))?;
        let groups = group.iter_groups().map_err(|error| listing_error(error, &links))?;
        let named = group.named_datatypes().map_err(h5_error)?;
        // Links of kinds that the library skips are in none of these lists.
        let listed = (datasets.len() + groups.len() + named.len()) as u64;
        if !links.symbol_table && links.kinds.len() as u64 + links.indexed != listed {
            return Err(refused_link("a soft or external link"));
        }
        self.datasets += datasets.len() as u64;
        Limits::check("HDF5 datasets", self.datasets, self.shared.limits.max_datasets as u64)?;
        for (name, dataset) in datasets {
            let path = self.path(path, &name)?;
            let dataset = self.dataset(&dataset, &path).at_with(|| path.clone())?;
            if result.datasets.insert(name, dataset).is_some() {
                return Err(Error::new(ErrorKind::Hdf5, "two datasets of one name").at(path));
            }
        }
        self.above.push(address);
        for (name, group) in groups {
            let path = self.path(path, &name)?;
            let group = self.group(&group, &path)?;
            if result.datasets.contains_key(&name) || result.groups.insert(name, group).is_some() {
                return Err(Error::new(ErrorKind::Hdf5, "two objects of one name").at(path));
            }
        }
        self.above.pop();
        Ok(result)
    }

    fn path(&self, parent: &str, name: &str) -> Result<String> {
        if matches!(name, "" | "." | "..") || name.contains(['/', '\0', '\u{fffd}']) {
            return Err(Error::new(ErrorKind::Hdf5, "not the name of an object").received(format!("{name:?}")));
        }
        let path = if parent.is_empty() { name.to_owned() } else { format!("{parent}/{name}") };
        Limits::check("bytes of a path", path.len() as u64, self.shared.limits.max_path_bytes as u64)?;
        Ok(path)
    }

    /// Reads what a dataset says of itself.
    fn dataset(&mut self, stored: &Dataset, path: &str) -> Result<H5Dataset> {
        let attrs = self.attributes(stored.attrs().map_err(h5_error)?, stored.attr_datatypes().map_err(h5_error)?)?;
        let datatype = stored.datatype().map_err(h5_error)?;
        let layout = stored.layout().map_err(h5_error)?;
        if layout == Layout::Virtual {
            return Err(Error::new(ErrorKind::Hdf5, "virtual dataset: its data would come from other files"));
        }
        let shape = stored.shape().map_err(h5_error)?;
        let shape: Result<Vec<usize>, _> = shape.into_iter().map(usize::try_from).collect();
        let dataset = H5Dataset {
            shared: Arc::clone(&self.shared),
            path: path.to_owned(),
            shape: shape.map_err(|_| Error::new(ErrorKind::Limit, "shape is too large"))?,
            dtype: dataset_type(&datatype, &attrs),
            layout,
            data: None,
            element_bytes: stored.element_size().map_err(h5_error)?,
            attrs,
        };
        let (limits, bytes) = (&self.shared.limits, dataset.bytes()?);
        Limits::check("bytes of a dataset", bytes, limits.max_dataset_bytes)?;
        self.bytes = self.bytes.saturating_add(bytes);
        Limits::check("bytes of all datasets", self.bytes, limits.max_total_bytes)?;
        limits.check_ratio("bytes of all datasets", self.bytes, self.shared.source.file().len())?;
        if matches!(dataset.layout, Layout::Contiguous { address: None, .. }) && bytes > 0 {
            // Never written, or in other files: the library tells, when it is asked for the elements.
            self.unwritten = self.unwritten.saturating_add(bytes);
            limits.check_ratio("bytes of datasets that were never written", self.unwritten, 0)?;
            stored.read_raw().map_err(h5_error)?;
        }
        Ok(dataset)
    }

    fn attributes(
        &mut self,
        mut values: HashMap<String, AttrValue>,
        types: HashMap<String, Datatype>,
    ) -> Result<BTreeMap<String, H5Attr>> {
        let mut attrs = BTreeMap::new();
        for (name, datatype) in types {
            let value = match values.remove(&name) {
                Some(value) => match attribute(value) {
                    // The library reads a list of one string of fixed length as a string.
                    H5Attr::Str(text) if is_list(&name) => H5Attr::StrList(vec![text]),
                    value => value,
                },
                None => H5Attr::Other(datatype.to_string()),
            };
            let bytes = match &value {
                H5Attr::Str(text) => text.len(),
                H5Attr::StrList(texts) => texts.iter().map(|text| text.len() + 24).sum(),
                _ => 8,
            };
            self.attributes = self.attributes.saturating_add((name.len() + bytes) as u64);
            attrs.insert(name, value);
        }
        Limits::check("bytes of attributes", self.attributes, self.shared.limits.max_attributes_bytes)?;
        Ok(attrs)
    }
}

/// Returns true for the attributes that are lists of names in legacy files; a long list has several, with numbers.
fn is_list(name: &str) -> bool {
    let name = name.trim_end_matches(|last: char| last.is_ascii_digit());
    matches!(name, "weight_names" | "layer_names")
}

fn attribute(value: AttrValue) -> H5Attr {
    if let Some(text) = value.as_str() {
        H5Attr::Str(text.to_owned())
    } else if let Some(texts) = value.as_strings() {
        H5Attr::StrList(texts.to_vec())
    } else if let Some(number) = value.as_i64() {
        H5Attr::Int(number)
    } else if let Some(number) = value.as_f64() {
        H5Attr::Float(number)
    } else if value.to_f64s().is_some_and(|numbers| numbers.is_empty()) {
        // Python's empty list, which h5py writes as a list of numbers.
        H5Attr::StrList(Vec::new())
    } else {
        H5Attr::Other(value.type_name().to_owned())
    }
}

fn refuse_kinds(links: &Links) -> Result<()> {
    match links.kinds.iter().find(|kind| **kind != 0) {
        None => Ok(()),
        Some(1) => Err(refused_link("a soft link")),
        Some(64) => Err(refused_link("an external link, to another file")),
        Some(kind) => Err(refused_link(&format!("a link of kind {kind}"))),
    }
}

fn refused_link(kind: &str) -> Error {
    Error::new(ErrorKind::Hdf5, "link in a group is not followed")
        .expected("objects that lie in the group itself")
        .received(kind.to_owned())
}

/// Explains an error of listing: in a symbol table a soft link has an address of all ones, on which the
/// library fails.
fn listing_error(error: hdf5_pure::Error, links: &Links) -> Error {
    match error {
        hdf5_pure::Error::Format(FormatError::OffsetOverflow { offset: u64::MAX, .. }) if links.symbol_table => {
            refused_link("a soft link")
        }
        error => h5_error(error),
    }
}
