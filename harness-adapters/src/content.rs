//! Content of prompts, checked before a harness gets it.
//!
//! The provider of a model refuses a whole prompt for one bad image, and every later one, because the image is part of the
//! conversation from then on. So what cannot be right is left out alone, by name, and the rest goes.

use acp_types::v1::{BlobResourceContents, ContentBlock, EmbeddedResourceResource};

use crate::embedded::{decoded, text_of};

/// A prompt without the blocks that no model takes.
#[derive(Debug, Clone, PartialEq, Default)]
#[expect(clippy::exhaustive_structs, reason = "adapters take it apart")]
pub struct Screened {
    /// Blocks that go to the model. Images have the type of their bytes.
    pub kept: Vec<ContentBlock>,
    /// Blocks that do not, each with its name and the reason.
    pub left_out: Vec<String>,
    /// True if images are among the blocks that go.
    pub images: bool,
}

/// The reason to leave out an image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unfit {
    /// There are no bytes. A URI alone is not enough: what is there may change, and is not for everybody to read.
    #[error("it has no data: send the image itself")]
    Empty,
    /// It is not base64 as it has to be.
    #[error("its data is no base64")]
    NotBase64,
    /// It is something that models do not see.
    #[error("it is called {claimed} but is {is}: send PNG, JPEG, GIF or WebP")]
    NotAnImage {
        /// The type that it came with.
        claimed: String,
        /// Its type.
        is: &'static str,
    },
    /// It is too large.
    #[error("it has {bytes} bytes, and {most} is the limit: send a smaller one")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        most: usize,
    },
}

/// Checks each block of a prompt. An image or resource may have `most` bytes.
#[must_use]
pub fn screen(prompt: &[ContentBlock], most: usize) -> Screened {
    let mut screened = Screened::default();
    for (number, block) in prompt.iter().enumerate() {
        match check(block, most) {
            Ok(block) => {
                screened.images |= match &block {
                    ContentBlock::Image(_) => true,
                    ContentBlock::Resource(resource) => is_image(&resource.resource),
                    _ => false,
                };
                screened.kept.push(block);
            }
            Err(why) => screened.left_out.push(format!("{}: {why}", named(block, number))),
        }
    }
    screened
}

/// Name for people of the part of a prompt at `number`, counted from 0.
#[must_use]
pub fn named(block: &ContentBlock, number: usize) -> String {
    format!("{} {}", what(block), number + 1)
}

fn what(block: &ContentBlock) -> String {
    let (kind, uri) = match block {
        ContentBlock::Image(image) => ("image", image.uri.as_deref()),
        ContentBlock::Resource(resource) => match &resource.resource {
            EmbeddedResourceResource::BlobResourceContents(blob) => ("resource", Some(&*blob.uri)),
            _ => ("resource", None),
        },
        _ => ("part", None),
    };
    uri.map_or_else(|| kind.to_owned(), |uri| format!("{kind} {uri}, part"))
}

fn is_image(resource: &EmbeddedResourceResource) -> bool {
    match resource {
        EmbeddedResourceResource::BlobResourceContents(blob) => claims_image(blob),
        _ => false,
    }
}

fn claims_image(blob: &BlobResourceContents) -> bool {
    blob.mime_type.as_deref().is_some_and(|mime| mime.starts_with("image/"))
}

/// The block as it can go.
///
/// # Errors
/// When it is an image or a resource that cannot.
pub fn check(block: &ContentBlock, most: usize) -> Result<ContentBlock, Unfit> {
    let mut block = block.clone();
    match &mut block {
        ContentBlock::Image(image) => {
            image.mime_type = self::image(&image.data, &image.mime_type, most)?.to_owned();
        }
        ContentBlock::Resource(resource) => {
            if let EmbeddedResourceResource::BlobResourceContents(blob) = &mut resource.resource {
                let claimed = blob.mime_type.clone().unwrap_or_else(|| "a resource".to_owned());
                match self::image(&blob.blob, &claimed, most) {
                    Ok(mime) => blob.mime_type = Some(mime.to_owned()),
                    Err(Unfit::NotAnImage { .. } | Unfit::Empty) if !claims_image(blob) && text_of(blob).is_some() => {}
                    // A drawing that is text is read as text.
                    Err(Unfit::NotAnImage { .. }) if is_drawing(blob) => blob.mime_type = Some("text/xml".to_owned()),
                    Err(unfit) => return Err(unfit),
                }
            }
        }
        _ => {}
    }
    Ok(block)
}

fn is_drawing(blob: &BlobResourceContents) -> bool {
    blob.mime_type.as_deref() == Some("image/svg+xml") && text_of(blob).is_some()
}

/// The type of an image, from its bytes.
///
/// # Errors
/// When it is none that models see, or too large.
pub fn image(base64: &str, claimed: &str, most: usize) -> Result<&'static str, Unfit> {
    if base64.is_empty() {
        return Err(Unfit::Empty);
    }
    // Before it is decoded, so that nothing grows with what comes.
    let bytes = base64.len() / 4 * 3;
    if bytes > most.saturating_add(2) {
        return Err(Unfit::TooLarge { bytes, most });
    }
    let bytes = decoded(base64).ok_or(Unfit::NotBase64)?;
    if bytes.len() > most {
        return Err(Unfit::TooLarge { bytes: bytes.len(), most });
    }
    known(&bytes).map_err(|is| Unfit::NotAnImage { claimed: claimed.to_owned(), is })
}

/// Type of an image from its first bytes, or the name of what it is instead.
fn known(bytes: &[u8]) -> Result<&'static str, &'static str> {
    let text = || std::str::from_utf8(bytes).is_ok_and(|text| !text.contains('\0'));
    let begins = |with: &str| {
        bytes.trim_ascii_start().get(..with.len()).is_some_and(|head| head.eq_ignore_ascii_case(with.as_bytes()))
    };
    match bytes {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Ok("image/png"),
        [0xff, 0xd8, 0xff, ..] => Ok("image/jpeg"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Ok("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Ok("image/webp"),
        [b'B', b'M', ..] => Err("a BMP image"),
        [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => Err("a TIFF image"),
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => Err("a HEIC or AVIF image or a film"),
        [b'%', b'P', b'D', b'F', ..] => Err("a PDF file"),
        _ if begins("<!doctype html") || begins("<html") => Err("an HTML page"),
        _ if begins("<svg") || begins("<?xml") => Err("a drawing in SVG or XML"),
        _ if text() => Err("text"),
        _ => Err("something unknown"),
    }
}

#[cfg(test)]
mod tests {
    use acp_types::v1::{EmbeddedResource, ImageContent};

    use super::*;

    const PNG: &str =
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    const JPEG: &str = "/9j/4AAQSkZJRg==";
    const HTML: &str = "PGh0bWw+PC9odG1sPg==";

    fn picture(data: &str, mime: &str) -> ContentBlock {
        ContentBlock::Image(ImageContent::new(data, mime))
    }

    fn blob(data: &str, mime: Option<&str>) -> ContentBlock {
        let blob = BlobResourceContents::new(data, "file:///a").mime_type(mime.map(str::to_owned));
        ContentBlock::Resource(EmbeddedResource::new(EmbeddedResourceResource::BlobResourceContents(blob)))
    }

    #[test]
    fn the_type_of_an_image_comes_from_its_bytes() {
        for (data, claimed, expected) in [
            (PNG, "image/png", "image/png"),
            (JPEG, "image/jpg", "image/jpeg"),
            (PNG, "image/jpeg", "image/png"),
            ("R0lGODlhAQABAAAAACw=", "", "image/gif"),
            ("UklGRgAAAABXRUJQ", "application/octet-stream", "image/webp"),
        ] {
            assert_eq!(image(data, claimed, 1000), Ok(expected));
            let Screened { kept, left_out, images } = screen(&[picture(data, claimed)], 1000);
            assert_eq!((kept, left_out, images), (vec![picture(data, expected)], vec![], true));
        }
    }

    #[test]
    fn what_is_no_image_is_left_out_alone_and_by_name() {
        let prompt = [
            "look".into(),
            picture("", "image/png"),
            picture(HTML, "image/png"),
            picture("no base64", "image/png"),
            picture(&"AAAA".repeat(1000), "image/png"),
            picture("Qk1BQUFB", "image/bmp"),
            picture(PNG, "image/png"),
        ];
        let screened = screen(&prompt, 1000);
        assert_eq!(screened.kept, ["look".into(), picture(PNG, "image/png")]);
        for (left_out, expected) in screened.left_out.iter().zip([
            "image 2: it has no data",
            "image 3: it is called image/png but is an HTML page",
            "image 4: its data is no base64",
            "image 5: it has 3000 bytes, and 1000 is the limit",
            "image 6: it is called image/bmp but is a BMP image",
        ]) {
            assert!(left_out.starts_with(expected), "{left_out}");
        }
        assert_eq!(screened.left_out.len(), 5);
    }

    #[test]
    fn resources_are_text_or_images() {
        let drawing = "PHN2Zy8+";
        for (block, expected) in [
            (blob("aGVsbG8=", None), Some(blob("aGVsbG8=", None))),
            (blob("", Some("text/plain")), Some(blob("", Some("text/plain")))),
            (blob(HTML, Some("text/html")), Some(blob(HTML, Some("text/html")))),
            (blob(PNG, None), Some(blob(PNG, Some("image/png")))),
            (blob(JPEG, Some("image/jpg")), Some(blob(JPEG, Some("image/jpeg")))),
            (blob(drawing, Some("image/svg+xml")), Some(blob(drawing, Some("text/xml")))),
            (blob(HTML, Some("image/png")), None),
            (blob("", Some("image/png")), None),
            (blob("AAECAw==", Some("application/octet-stream")), None),
        ] {
            let screened = screen(std::slice::from_ref(&block), 1000);
            assert_eq!(screened.kept, expected.clone().into_iter().collect::<Vec<_>>(), "{block:?}");
            let named = screened.left_out.iter().all(|left_out| left_out.starts_with("resource file:///a, part 1: "));
            assert!(named && screened.left_out.is_empty() == expected.is_some(), "{:?}", screened.left_out);
        }
    }
}
