//! What the lookup layers share: the vocabulary's methods, and how it is learned, saved and loaded.

/// Implements the vocabulary of a lookup layer with tokens of the type `$token`.
macro_rules! vocabulary_of {
    ($layer:ident, $token:ty) => {
        impl $layer {
            /// Returns the tokens by index, with or without special ones (mask, unknown).
            ///
            /// # Errors
            /// If the vocabulary in the layer's configuration is invalid.
            pub fn get_vocabulary(&self, include_special_tokens: bool) -> Result<Vec<Option<$token>>> {
                self.settings().tokens(&self.state, include_special_tokens)
            }

            /// Returns the number of indices.
            ///
            /// # Errors
            /// If the vocabulary in the layer's configuration is invalid.
            pub fn vocabulary_size(&self) -> Result<usize> {
                self.settings().size(&self.state)
            }

            /// Replaces the vocabulary, and the IDF weights for `tf_idf`; it is then saved as an asset.
            ///
            /// # Errors
            /// If tokens are repeated, or there are too many.
            pub fn set_vocabulary(&self, vocabulary: &[$token], idf_weights: Option<&[f64]>) -> Result<()> {
                self.settings().set_vocabulary(&self.state, vocabulary, idf_weights)
            }
        }

        impl OwnState for $layer {
            fn build_config(&self, _: Option<Value>) -> Option<Value> {
                Some(Value::Dict(Dict::new()))
            }

            fn save_assets(&self, assets: &mut Assets) -> Result<()> {
                self.settings().save(&self.state, assets)
            }

            fn load_assets(&self, assets: &Assets) -> Result<()> {
                self.settings().load(&self.state, assets)
            }

            fn named_state(&self) -> Result<Vec<(&'static str, Tensor)>> {
                self.settings().named_state(&self.state)
            }

            fn state_names(&self) -> &'static [&'static str] {
                &["idf_weights"]
            }

            fn load_named_state(&self, _: &str, value: &Tensor) -> Result<()> {
                self.settings().load_named_state(&self.state, value)
            }
        }

        impl Adaptable for $layer {
            fn is_adaptable(&self) -> bool {
                self.vocabulary.is_none()
            }

            fn adapt(&self, data: &Nested<Tensor>) -> Result<()> {
                let documents = Settings::documents(data)?;
                self.settings().adapt(&self.state, documents.iter().map(Vec::as_slice))
            }
        }
    };
}
pub(super) use vocabulary_of;
