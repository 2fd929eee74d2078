//! Watching a sync's source for `dev`: its folder, and the files that a build says it was
//! made of. What builds and installs write is no change of the source.

use super::build::is_generated;
use crate::error::{Code, Error, Result};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;

/// Where an author's source lies within a folder, in every language.
const SOURCE: &str = "src";

/// Tells when a source changes.
pub(super) struct Watch {
    watcher: RecommendedWatcher,
    watched: BTreeSet<PathBuf>,
    matters: Arc<Mutex<Matters>>,
    changes: mpsc::UnboundedReceiver<()>,
}

/// Whose changes are told.
struct Matters {
    /// A folder with all that is in it, but for what is generated; or one file.
    root: PathBuf,
    /// Files outside of it.
    files: BTreeSet<PathBuf>,
}

impl Matters {
    fn has(&self, path: &Path) -> bool {
        let inside = path.strip_prefix(&self.root);
        inside.is_ok_and(|inside| !is_generated(inside)) || self.files.contains(path)
    }
}

impl Watch {
    /// Watches a file, or the source in a folder.
    pub(super) fn of(path: &Path) -> Result<Self> {
        let wrong = |error: &dyn std::fmt::Display| {
            Error::new(
                Code::Usage,
                format!("watching `{}`: {error}", path.display()),
            )
        };
        let path = path.canonicalize().map_err(|error| wrong(&error))?;
        let source = path.join(SOURCE);
        let root = if source.is_dir() { source } else { path };
        let matters = Arc::new(Mutex::new(Matters {
            root: root.clone(),
            files: BTreeSet::new(),
        }));
        let (sender, changes) = mpsc::unbounded_channel();
        let heard = Arc::clone(&matters);
        let tell = move |event: notify::Result<notify::Event>| {
            let Ok(event) = event else { return };
            let matters = heard.lock().unwrap_or_else(PoisonError::into_inner);
            if !event.kind.is_access() && event.paths.iter().any(|path| matters.has(path)) {
                let _ = sender.send(());
            }
        };
        let mut watch = Watch {
            watcher: notify::recommended_watcher(tell).map_err(|error| wrong(&error))?,
            watched: BTreeSet::new(),
            matters,
            changes,
        };
        // A `src` has nothing in it but source; elsewhere lie the many folders of packages.
        let (place, mode) = match root.is_dir() {
            true if root.ends_with(SOURCE) => (root.as_path(), RecursiveMode::Recursive),
            true => (root.as_path(), RecursiveMode::NonRecursive),
            // Editors put a new file in the place of the old: only its folder sees that.
            false => (
                root.parent().unwrap_or(Path::new("/")),
                RecursiveMode::NonRecursive,
            ),
        };
        watch
            .watcher
            .watch(place, mode)
            .map_err(|error| wrong(&error))?;
        watch.watched.insert(place.to_owned());
        Ok(watch)
    }

    /// Watches these files too, but for those that were installed. One that cannot be
    /// watched is said in the program's log: the others still are.
    pub(super) fn also(&mut self, sources: &[PathBuf]) {
        for source in sources {
            let Ok(source) = source.canonicalize() else {
                continue;
            };
            let Some(folder) = source.parent() else {
                continue;
            };
            let mut matters = self.matters.lock().unwrap_or_else(PoisonError::into_inner);
            if is_installed(&source) || matters.has(&source) && self.watched.contains(folder) {
                continue;
            }
            matters.files.insert(source.clone());
            drop(matters);
            let is_watched = folder
                .ancestors()
                .any(|above| above.ends_with(SOURCE) && self.watched.contains(above));
            if is_watched || !self.watched.insert(folder.to_owned()) {
                continue;
            }
            if let Err(error) = self.watcher.watch(folder, RecursiveMode::NonRecursive) {
                tracing::warn!(%error, source = %source.display(), "a source is not watched");
            }
        }
    }

    /// Waits for a change.
    pub(super) async fn changed(&mut self) {
        // The sender lives in the watcher, which is here.
        let _ = self.changes.recv().await;
    }

    /// Forgets the changes so far.
    pub(super) fn forget(&mut self) {
        while self.changes.try_recv().is_ok() {}
    }
}

/// Whether a file lies in an installed package.
fn is_installed(path: &Path) -> bool {
    path.components()
        .any(|part| part.as_os_str() == "node_modules")
}
