//! Lines in the run's log, with attributes.
//!
//! ```
//! use tidegate_sdk::prelude::*;
//! # tidegate_sdk::testing::TestHost::new().enter(|| {
//! let (page, users) = (3, 200);
//! info!("saved page {page}");
//! info!("saved a page"; page = page, users = users);
//! warn!("no mail address"; id = "U7");
//! # });
//! ```

use crate::sys;
use serde_json::{Map, Value};

/// How loud a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For the author at work.
    Debug,
    /// Progress.
    Info,
    /// Something the author should look at.
    Warn,
    /// Something went wrong.
    Error,
}

/// Adds a line to the run's log. The macros [`debug!`](crate::debug),
/// [`info!`](crate::info), [`warn!`](crate::warn!) and [`error!`](crate::error!) call this.
pub fn emit(level: Level, message: &str, attributes: Map<String, Value>) {
    if attributes.is_empty() {
        sys::log(level, message, "");
    } else {
        sys::log(level, message, &Value::Object(attributes).to_string());
    }
}

#[doc(hidden)]
pub fn __attribute(value: impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_else(|error| Value::String(format!("<{error}>")))
}

#[doc(hidden)]
#[macro_export]
macro_rules! __log {
    // Takes the format string apart from the attributes behind the `;`.
    ($level:ident, $text:literal $(, $argument:expr)* $(,)? $(; $($key:ident = $value:expr),+ $(,)?)?) => {{
        #[allow(unused_mut)]
        let mut attributes = $crate::__private::Map::new();
        $($(attributes.insert(::std::string::String::from(::std::stringify!($key)), $crate::log::__attribute(&$value));)+)?
        $crate::log::emit($crate::log::Level::$level, &::std::format!($text $(, $argument)*), attributes)
    }};
}

/// A line for the author at work: a format string, then `; key = value, …`.
#[macro_export]
macro_rules! debug { ($($line:tt)+) => { $crate::__log!(Debug, $($line)+) }; }

/// A line about progress: a format string, then `; key = value, …`.
#[macro_export]
macro_rules! info { ($($line:tt)+) => { $crate::__log!(Info, $($line)+) }; }

/// A line that the author should look at: a format string, then `; key = value, …`.
#[macro_export]
macro_rules! warn { ($($line:tt)+) => { $crate::__log!(Warn, $($line)+) }; }

/// A line about something that went wrong: a format string, then `; key = value, …`.
#[macro_export]
macro_rules! error { ($($line:tt)+) => { $crate::__log!(Error, $($line)+) }; }
