//! Data that stays outside of the project, in `shared` beside the checkout.

use std::path::{Path, PathBuf};

/// The file `shared/data/{name}`: in the folder that `TIDEGATE_SHARED` names, or in the
/// nearest `shared` beside or above the checkout. None, with a line that says so, where
/// there is none.
pub fn shared_data(name: &str) -> Option<PathBuf> {
    let named = std::env::var_os("TIDEGATE_SHARED").map(PathBuf::from);
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let found = named
        .into_iter()
        .chain(above.map(|folder| folder.join("shared")))
        .map(|shared| shared.join("data").join(name))
        .find(|path| path.exists());
    if found.is_none() {
        crate::skip(
            &format!("what needs shared/data/{name}"),
            "it is not there; set TIDEGATE_SHARED to the folder that holds it",
        );
    }
    found
}
