//! Descriptions of classes: fields as data, `describe`, `search`, JSON Schemas, construction by name, access by path.

#[path = "describe/access.rs"]
mod access;
#[path = "describe/keras.rs"]
mod keras;
#[path = "describe/own.rs"]
mod own;
#[path = "describe/schemas.rs"]
mod schemas;
#[path = "describe/skeletons.rs"]
mod skeletons;
#[path = "describe/versions.rs"]
mod versions;
