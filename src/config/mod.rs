//! `sequester.yaml`: settings [as written](written), settings [as meant](meant), and the one
//! bridge between them. Every mistake of the file is told at once.

mod address;
mod build;
mod build_findings;
mod build_parts;
mod build_reads;
mod key_lines;
pub mod meant;
pub mod reads;
pub mod units;
pub mod written;

pub use key_lines::{KEY_FILE_BYTES_MAX, Key, key_lines};
pub use meant::{Config, Judging};

use crate::engine::diagnostics::{Diagnostic, Severity, SourceFile};
use crate::engine::yaml;
use crate::policy_files::{about, read_file};
use build::Builder;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

impl Config {
    /// Reads a deployment as `run` and `check` need it: all of it.
    pub fn load(path: &Path) -> Result<Config, Vec<Diagnostic>> {
        let file = read_file(path).map_err(|mistake| vec![*mistake])?;
        Config::read(&file, folder_of(path))
    }

    /// The same from a text; `folder` is what its paths are relative to.
    pub fn read(file: &SourceFile, folder: &Path) -> Result<Config, Vec<Diagnostic>> {
        let mut mistakes = Vec::new();
        let Some(written) = yaml::read::<written::Deployment>(file, &mut mistakes) else {
            return Err(mistakes);
        };
        let mut builder = Builder::new(file, folder);
        let config = builder.config(&written);
        match (config, builder.mistakes()) {
            (Some(config), mistakes) if mistakes.is_empty() => Ok(config),
            (_, mistakes) => Err(mistakes),
        }
    }

    /// Every file it names that is not there, and every folder that it is to write to.
    pub fn missing_files(&self) -> Vec<Diagnostic> {
        let mut missing = self.judging.missing_files();
        let tls = self.listen.tls.as_ref();
        let keys = match &self.identity {
            meant::Identity::Jwt(jwt) => match &jwt.keys {
                meant::Keys::File(file) => Some(file),
                meant::Keys::Url(_) => None,
            },
            meant::Identity::Header(_) => None,
        };
        let (token, certificate, key) = match &self.upstream.authorization {
            meant::Authorization::Nothing | meant::Authorization::Reader => (None, None, None),
            meant::Authorization::Token(file) => (Some(file), None, None),
            meant::Authorization::Certificate { certificate, key } => {
                (None, Some(certificate), Some(key))
            }
        };
        let shared = self.judging.limits.reads.shared.as_ref();
        let password = match shared.map(|shared| &shared.password) {
            Some(meant::Password::File(file)) => Some(file),
            Some(meant::Password::None | meant::Password::Environment(_)) | None => None,
        };
        let limits_key = shared.and_then(|shared| shared.key.as_ref());
        let named: [Option<&PathBuf>; 14] = [
            limits_key.filter(|key| Some(*key) != self.cursors.keys.as_ref()),
            shared.and_then(|shared| shared.authorities.as_ref()),
            password,
            tls.map(|tls| &tls.certificate),
            tls.map(|tls| &tls.key),
            tls.and_then(|tls| tls.client_authorities.as_ref()),
            self.upstream.authorities.as_ref(),
            self.upstream.look_ups_token.as_ref(),
            keys,
            token,
            certificate,
            key,
            self.cursors.keys.as_ref(),
            self.audit.key.as_ref(),
        ];
        missing.extend(named.into_iter().flatten().filter_map(|path| absent(path)));
        let socket = match &self.listen.address {
            meant::Address::Unix(path) => Some(path),
            meant::Address::Tcp(_) => None,
        };
        let written = [Some(&self.audit.file), self.judging.limits.reads.state.as_ref(), socket];
        missing.extend(written.into_iter().flatten().filter_map(|path| no_folder_of(path)));
        missing
    }

    /// What works, and is probably not meant; `path` is that of the file.
    pub fn warnings(&self, path: &Path) -> Vec<Diagnostic> {
        let is_reached = |address: &SocketAddr| !address.ip().is_loopback();
        let in_clear = match &self.listen {
            meant::Listen { address: meant::Address::Tcp(address), tls: None } => Some(address),
            meant::Listen { .. } => None,
        };
        let tokens = "`listen` is in clear on an address that other machines reach";
        let tokens = in_clear.filter(|address| is_reached(address)).map(|_| {
            about(path, tokens).help("name a certificate by `tls`, or listen on `127.0.0.1`")
        });
        let figures = "`admin` is on an address that other machines reach";
        let figures = self.admin.filter(is_reached).map(|_| {
            about(path, figures).help("it asks nobody who they are: let `127.0.0.1` have it")
        });
        let warn = |told| Diagnostic { severity: Severity::Warning, ..told };
        tokens.into_iter().chain(figures).map(warn).collect()
    }
}

impl Judging {
    /// Reads the part of a deployment that `redact` and `explain` need: members, grants,
    /// restrictions, policies, limits and `upstream.public-url`. Only members and policies must
    /// be there. Keys that nobody knows are mistakes here too.
    pub fn load(path: &Path) -> Result<Judging, Vec<Diagnostic>> {
        let file = read_file(path).map_err(|mistake| vec![*mistake])?;
        Judging::read(&file, folder_of(path))
    }

    /// The same from a text; `folder` is what its paths are relative to.
    pub fn read(file: &SourceFile, folder: &Path) -> Result<Judging, Vec<Diagnostic>> {
        let mut mistakes = Vec::new();
        let Some(written) = yaml::read::<written::Deployment>(file, &mut mistakes) else {
            return Err(mistakes);
        };
        let mut builder = Builder::new(file, folder);
        let judging = builder.judging(&written);
        let mistakes = builder.mistakes();
        if mistakes.is_empty() { Ok(judging) } else { Err(mistakes) }
    }

    /// Every file it names that is not there.
    pub fn missing_files(&self) -> Vec<Diagnostic> {
        let named = [Some(&self.members), self.grants.as_ref(), self.restrictions.as_ref()];
        let named = named.into_iter().flatten().chain([&self.policies]);
        named.filter_map(|path| absent(path)).collect()
    }
}

fn absent(path: &Path) -> Option<Diagnostic> {
    (!path.exists())
        .then(|| about(path, "no such file").help("paths are relative to the file that names them"))
}

/// A folder that is not known to be missing may be one that this user cannot see.
fn no_folder_of(path: &Path) -> Option<Diagnostic> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty())?;
    let is_missing = folder.try_exists().is_ok_and(|there| !there);
    let help = format!("make it: the proxy is to write `{}` there", path.display());
    is_missing.then(|| about(folder, "no such folder").help(help))
}

/// The folder of a file; the current one for a bare name.
fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

#[cfg(test)]
mod tests;
