//! Modules without I/O, clocks and channels.

use crate::module::within;
use crate::source::Crate;

/// What of `std` does I/O, reads a clock, starts something or passes something between threads. Each stands for itself
/// and for all that is in it.
const IMPURE: &[&str] = &[
    "std::io",
    "std::fs",
    "std::net",
    "std::os",
    "std::env",
    "std::process",
    "std::thread",
    "std::sync::mpsc",
    "std::sync::Condvar",
    "std::time::SystemTime",
    "std::time::Instant",
    "std::print",
    "std::println",
    "std::eprint",
    "std::eprintln",
    "std::dbg",
    "std::future",
    "std::task",
];

/// Methods that read the clock or ask the file system, and need nothing of the above to be named.
const IMPURE_METHODS: &[&str] = &[
    "elapsed",
    "exists",
    "try_exists",
    "is_file",
    "is_dir",
    "is_symlink",
    "canonicalize",
    "symlink_metadata",
    "read_dir",
    "read_link",
];

impl Crate {
    /// What a pure module must not have: I/O, clocks, threads, channels, anything asynchronous, and crates that are
    /// not among `crates`. Looks at the module of that path and all modules in it, without tests.
    #[must_use]
    pub fn impurities(&self, module: &str, crates: &[&str]) -> Vec<String> {
        let mut faults = Vec::new();
        for import in self.imports() {
            if import.place.test || !within(&import.from, module) {
                continue;
            }
            let first = import.path.split("::").next().unwrap_or_default();
            if IMPURE.iter().any(|impure| within(&import.path, impure)) {
                faults.push(format!("{} names {}", import.place, import.path));
            } else if !known(first) && !crates.iter().any(|allowed| within(&import.path, allowed)) {
                faults.push(format!("{} names {}, which is not among {crates:?}", import.place, import.path));
            }
        }
        for module in self.modules.values().filter(|found| within(&found.name, module)) {
            for place in module.asynchronous.iter().filter(|place| !place.test) {
                faults.push(format!("{place} is asynchronous"));
            }
            for (method, place) in module.calls.iter().filter(|(_, place)| !place.test) {
                if IMPURE_METHODS.contains(&method.as_str()) {
                    faults.push(format!("{place} calls {method}, which asks the clock or the file system"));
                }
            }
        }
        faults
    }
}

/// What begins a path and is no crate of its own: `std`, the types of its prelude, type
/// parameters, built-in types, and names of lints.
fn known(first: &str) -> bool {
    const BUILT_IN: &[&str] = &[
        "std", "bool", "char", "str", "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128",
        "isize", "f32", "f64", "clippy",
    ];
    BUILT_IN.contains(&first) || first.starts_with(|first: char| first.is_ascii_uppercase())
}
