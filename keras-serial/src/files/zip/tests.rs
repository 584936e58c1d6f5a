//! Tests with `model.keras`, which `testdata/make.py` makes.

use std::io::{Cursor, Write};

use ::zip::CompressionMethod;
use ::zip::write::{FullFileOptions, SimpleFileOptions};
use bytes::Bytes;

use super::*;

const MODEL: &[u8] = include_bytes!("../testdata/model.keras");

fn open(file: impl Into<Bytes>) -> Result<ZipReader> {
    ZipReader::open(file.into(), &Limits::default())
}

fn read_all(reader: &ZipReader) -> Result<()> {
    reader.members().iter().try_for_each(|member| reader.read(&member.name).map(drop))
}

fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, data) in members {
        writer.add(name, data).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// Writes one member with the library directly, which accepts what our writer refuses.
fn foreign(name: &str, options: SimpleFileOptions, data: &[u8]) -> Vec<u8> {
    let mut writer = ::zip::ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file(name, options).unwrap();
    writer.write_all(data).unwrap();
    writer.finish().unwrap().into_inner()
}

fn deflated() -> SimpleFileOptions {
    SimpleFileOptions::default().compression_method(CompressionMethod::Deflated)
}

fn replaced(mut file: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    for start in 0..=file.len() - from.len() {
        if file[start..].starts_with(from) {
            file[start..start + from.len()].copy_from_slice(to);
        }
    }
    file
}

#[test]
fn members_of_keras_are_slices_of_the_archive() {
    let file = Bytes::from_static(MODEL);
    let reader = open(file.clone()).unwrap();
    let names: Vec<&str> = reader.members().iter().map(|member| member.name.as_str()).collect();
    assert_eq!(names, ["metadata.json", "config.json", "model.weights.h5"]);
    let weights = reader.read("model.weights.h5").unwrap();
    assert!(weights.starts_with(b"\x89HDF"));
    assert!(file.as_ptr_range().contains(&weights.as_ptr()));
    assert!(reader.read_text("metadata.json").unwrap().starts_with(b"{\"keras_version\": \"3.15.1\""));
    let error = reader.read("config.jsn").unwrap_err();
    assert_eq!((error.kind(), error.path().as_str()), (ErrorKind::Archive, "config.jsn"));
    assert!(error.to_string().contains("did you mean `config.json`?"), "{error}");
}

#[test]
fn what_is_written_is_read() {
    let members: [(&str, &[u8]); 4] = [("b", b"two"), ("a", b"one"), ("assets/größe.txt", b""), ("c", &[0; 5000])];
    let file = archive(&members);
    assert!(file == archive(&members), "equal models make equal archives");
    let reader = open(file).unwrap();
    assert_eq!(reader.members().len(), 4);
    for ((name, data), member) in members.iter().zip(reader.members()) {
        assert_eq!((member.name.as_str(), member.size, member.stored_size), (*name, data.len() as u64, member.size));
        assert_eq!(reader.read(name).unwrap(), *data);
    }
}

#[test]
fn deflated_members_are_unpacked() {
    let reader = open(foreign("a", deflated(), &[7; 100_000])).unwrap();
    assert!(reader.members()[0].stored_size < 1000);
    assert_eq!(reader.read("a").unwrap(), [7; 100_000].as_slice());
}

#[test]
fn names_that_lead_out_are_refused_on_both_sides() {
    for name in ["../x", "a/../../x", "/x", "C:/x", "a\\x", "a//x", "./x", ""] {
        assert_eq!(check_name(name, &Limits::default()).unwrap_err().kind(), ErrorKind::Archive, "{name:?}");
        let error = ZipWriter::new(Cursor::new(Vec::new())).add(name, b"").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Archive);
        if name.len() > 3 {
            let harmless = "x".repeat(name.len());
            let file = replaced(archive(&[(&harmless, b"")]), harmless.as_bytes(), name.as_bytes());
            assert_eq!(open(file).unwrap_err().kind(), ErrorKind::Archive, "{name:?}");
        }
    }
    assert!(check_name("assets/a..b/.c", &Limits::default()).is_ok());
}

#[test]
fn two_members_of_one_name_are_refused() {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.add("a", b"").unwrap();
    assert_eq!(writer.add("a", b"").unwrap_err().path(), "a");
    let file = replaced(archive(&[("first", b"1"), ("other", b"2")]), b"other", b"first");
    assert!(open(file).unwrap_err().to_string().contains("two members of one name"));
}

#[test]
fn links_are_refused() {
    let mut writer = ::zip::ZipWriter::new(Cursor::new(Vec::new()));
    writer.add_symlink("link", "/etc/passwd", FullFileOptions::default()).unwrap();
    let error = open(writer.finish().unwrap().into_inner()).unwrap_err();
    assert_eq!((error.kind(), error.path().as_str()), (ErrorKind::Archive, "link"));
}

#[test]
fn wrong_checksums_are_refused() {
    let file = replaced(archive(&[("a", b"content")]), b"content", b"kontent");
    let error = open(file).unwrap().read("a").unwrap_err();
    assert_eq!((error.kind(), error.path().as_str()), (ErrorKind::Archive, "a"));
}

#[test]
fn bombs_are_refused_before_they_go_off() {
    let file = foreign("a", deflated(), &vec![0; 20 << 20]);
    assert_eq!(open(file.clone()).unwrap_err().kind(), ErrorKind::Limit);
    // A false size stops the unpacking at that size.
    let (true_size, small) = ((20u32 << 20).to_le_bytes(), 1000u32.to_le_bytes());
    let reader = open(replaced(file, &true_size, &small)).unwrap();
    assert_eq!(reader.read("a").unwrap_err().kind(), ErrorKind::Archive);

    let reader = |limits: Limits| ZipReader::open(Bytes::from_static(MODEL), &limits);
    let refused = |limits: Limits| reader(limits).unwrap_err().kind() == ErrorKind::Limit;
    assert!(refused(Limits::default().with_max_members(2)));
    assert!(refused(Limits::default().with_max_member_bytes(1000)));
    assert!(refused(Limits::default().with_max_total_bytes(1000)));
    assert!(refused(Limits::default().with_max_path_bytes(5)));
    let reader = reader(Limits::default().with_max_config_bytes(10)).unwrap();
    assert_eq!(reader.read_text("config.json").unwrap_err().kind(), ErrorKind::Limit);
}

/// Broken archives give errors or other data, never a panic.
#[test]
fn broken_archives_do_no_harm() {
    for length in 0..MODEL.len() {
        if length % 97 == 0 || length > MODEL.len() - 300 {
            assert!(open(MODEL[..length].to_vec()).is_err(), "{length}");
        }
    }
    let mut seed = 1u64;
    let mut random = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    let directory = MODEL.len() - 300;
    for round in 0..2000 {
        let mut broken = MODEL.to_vec();
        // Every other change is in the directory, where most of the structure is.
        let place = if round % 2 == 0 { random(MODEL.len()) } else { directory + random(300) };
        broken[place] ^= 1 << random(8);
        let _ = open(broken).and_then(|reader| read_all(&reader));
    }
}

/// The checksum of a large member is combined from those of its parts.
#[test]
fn damage_anywhere_in_a_large_member_is_found() {
    let data: Vec<u8> = (0..(9 << 20) + 5u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let whole = archive(&[("big", &data)]);
    assert_eq!(open(whole.clone()).unwrap().read("big").unwrap(), data);
    let start = whole.windows(16).position(|window| window == &data[..16]).unwrap();
    for at in [0, 3 << 20, 5 << 20, (8 << 20) + 1, data.len() - 1] {
        let mut damaged = whole.clone();
        damaged[start + at] ^= 1;
        let error = open(damaged).unwrap().read("big").unwrap_err();
        assert!(error.to_string().contains("checksum"), "{at}: {error}");
    }
}
