//! The form in which the rows are written down.

/// Makes the table, and one empty type with its trait for each row, from rows of the form
/// `Type = call "name", Direction, Scope, Stability, Params [=> Output];`. The types exist where `$cfg` holds.
macro_rules! methods {
    (
        #[cfg($cfg:meta)] use $types:path as $alias:ident;
        $($name:ident = $call:ident $method:literal, $direction:ident, $scope:ident, $stability:ident,
            $params:ident $(=> $output:ident)?;)*
    ) => {
        use $crate::method::{Call, Direction, Method, Scope, Stability};

        /// The rows of this version.
        pub(super) const METHODS: &[Method] = &[$(Method {
            name: $method,
            call: Call::$call,
            direction: Direction::$direction,
            scope: Scope::$scope,
            stability: Stability::$stability,
            params: stringify!($params),
            output: methods!(@output $($output)?),
        }),*];

        #[cfg($cfg)]
        use $types as $alias;

        $(methods!(@type $cfg, $alias, $name = $call $method, $direction, $scope, $stability, $params $(=> $output)?);)*

        /// Rows with the trait's params type checked against the schema's own notes, see the tests.
        #[cfg(all(test, feature = "schema", $cfg))]
        pub(super) fn schemas() -> Vec<(Method, schemars::Schema, Option<schemars::Schema>)> {
            METHODS.iter().copied().zip([$((
                schemars::schema_for!($alias::$params),
                methods!(@schema $alias $($output)?),
            )),*]).map(|(method, (params, output))| (method, params, output)).collect()
        }
    };
    (@output) => { None };
    (@output $output:ident) => { Some(stringify!($output)) };
    (@schema $alias:ident) => { None };
    (@schema $alias:ident $output:ident) => { Some(schemars::schema_for!($alias::$output)) };
    (@type $cfg:meta, $alias:ident, $name:ident = Request $method:literal, $direction:ident, $scope:ident,
        $stability:ident, $params:ident => $output:ident) => {
        #[doc = concat!("The request `", $method, "`.")]
        #[cfg($cfg)]
        #[derive(Debug)]
        #[expect(clippy::exhaustive_enums, reason = "an empty type stands for its name")]
        pub enum $name {}

        #[cfg($cfg)]
        impl $name {
            /// Its name on the wire.
            pub const NAME: &'static str = $method;
        }

        #[cfg($cfg)]
        impl $crate::method::Request for $name {
            const METHOD: Method = Method {
                name: $method,
                call: Call::Request,
                direction: Direction::$direction,
                scope: Scope::$scope,
                stability: Stability::$stability,
                params: stringify!($params),
                output: Some(stringify!($output)),
            };
            type Params = $alias::$params;
            type Output = $alias::$output;
        }
    };
    (@type $cfg:meta, $alias:ident, $name:ident = Notification $method:literal, $direction:ident, $scope:ident,
        $stability:ident, $params:ident) => {
        #[doc = concat!("The notification `", $method, "`.")]
        #[cfg($cfg)]
        #[derive(Debug)]
        #[expect(clippy::exhaustive_enums, reason = "an empty type stands for its name")]
        pub enum $name {}

        #[cfg($cfg)]
        impl $name {
            /// Its name on the wire.
            pub const NAME: &'static str = $method;
        }

        #[cfg($cfg)]
        impl $crate::method::Notification for $name {
            const METHOD: Method = Method {
                name: $method,
                call: Call::Notification,
                direction: Direction::$direction,
                scope: Scope::$scope,
                stability: Stability::$stability,
                params: stringify!($params),
                output: None,
            };
            type Params = $alias::$params;
        }
    };
}

pub(super) use methods;
