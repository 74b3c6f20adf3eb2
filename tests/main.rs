//! The one integration binary.

// `cfg(test)` tells the lints that these are tests.
#[cfg(test)]
mod audit_speed;
#[cfg(test)]
mod bypasses;
#[cfg(test)]
mod command_line;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod deploy;
#[cfg(test)]
mod json_oracle;
#[cfg(test)]
mod json_suite;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod probe;
#[cfg(test)]
mod proxy;
#[cfg(test)]
mod schemas;
#[cfg(test)]
mod tidy;
#[cfg(test)]
mod worlds;
