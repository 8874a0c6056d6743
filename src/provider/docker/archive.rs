//! One file of a container, read through the engine: it resolves links inside the container, never on the host (docker-27.3, fact 17).

use bollard::Docker;
use bollard::query_parameters::DownloadFromContainerOptionsBuilder;
use futures_util::StreamExt;

use super::error::{self, Phase};
use crate::pool::provider::ProviderError;

/// A larger file is read so far and no further.
const FILE_MAX: usize = 1 << 20;
/// The blocks of a tar.
const BLOCK: usize = 512;

/// The beginning of a file; `None` when there is no such file.
///
/// # Errors
/// When the engine does not answer.
pub(super) async fn file(
    docker: &Docker,
    container: &str,
    path: &str,
) -> Result<Option<Vec<u8>>, ProviderError> {
    let options = DownloadFromContainerOptionsBuilder::default().path(path).build();
    let mut pieces = Box::pin(docker.download_from_container(container, Some(options)));
    let mut bytes = Vec::new();
    while let Some(piece) = pieces.next().await {
        match piece.map_err(|error| error::classify(&error, Phase::Look)) {
            Ok(piece) => bytes.extend_from_slice(&piece),
            Err(ProviderError::NotFound) => return Ok(None),
            Err(other) => return Err(other),
        }
        if bytes.len() > FILE_MAX {
            break;
        }
    }
    Ok(content(&bytes))
}

/// The content of the first entry, which is a plain file.
fn content(tar: &[u8]) -> Option<Vec<u8>> {
    let (head, rest) = tar.split_at_checked(BLOCK)?;
    let size = std::str::from_utf8(head.get(124..136)?).ok()?;
    let size = usize::from_str_radix(size.trim_matches(['\0', ' ']), 8).ok()?;
    matches!(head[156], b'0' | 0).then(|| rest[..size.min(rest.len())].to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_taken_out_of_its_archive() {
        let mut tar = vec![0; BLOCK];
        tar[..6].copy_from_slice(b"passwd");
        tar[124..135].copy_from_slice(b"00000000005");
        tar[156] = b'0';
        tar.extend_from_slice(b"a:b:c\0\0\0");
        assert_eq!(content(&tar).as_deref(), Some(&b"a:b:c"[..]));
        tar[156] = b'2';
        assert_eq!(content(&tar), None);
        assert_eq!(content(&tar[..100]), None);
    }
}
