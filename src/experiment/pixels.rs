//! The one place where numbers become colours.

use anyhow::Result;
use candle_core::{DType, Device, Tensor};
use image::{GenericImage, GrayImage, RgbImage};

/// Pictures (b, 3, h, w), or grey ones (b, 1, h, w), in [-1, 1] as 8-bit RGB; values beyond are cut.
pub fn pictures(x: &Tensor) -> Result<Vec<RgbImage>> {
    let (b, _, h, w) = x.dims4()?;
    let x = x.broadcast_as((b, 3, h, w))?;
    let unit = x.to_dtype(DType::F32)?.affine(0.5, 0.5)?.clamp(0f32, 1f32)?;
    let levels = (unit * 255.0)?.round()?.to_dtype(DType::U8)?.permute((0, 2, 3, 1))?;
    let one = |i| -> Result<RgbImage> {
        let rows = levels.get(i)?.flatten_all()?.to_vec1::<u8>()?;
        RgbImage::from_raw(w as u32, h as u32, rows).ok_or_else(|| anyhow::anyhow!("a picture of {w}x{h} has too few pixels"))
    };
    (0..b).map(one).collect()
}

/// Grey pictures (b, 1, h, w) in [0, 1] as 8-bit RGB; values beyond are cut.
pub fn grey(x: &Tensor) -> Result<Vec<RgbImage>> {
    pictures(&x.affine(2.0, -1.0)?)
}

/// A picture as (1, 3, h, w) in [-1, 1].
pub fn tensor(picture: &RgbImage) -> Result<Tensor> {
    let (w, h) = picture.dimensions();
    let levels = picture.as_raw().iter().map(|level| f32::from(*level) / 127.5 - 1.0).collect();
    Ok(Tensor::from_vec(levels, (1, h as usize, w as usize, 3), &Device::Cpu)?.permute((0, 3, 1, 2))?.contiguous()?)
}

/// A mask as (1, 1, h, w): 1 where it is white, 0 elsewhere.
pub fn mask(mask: &GrayImage) -> Result<Tensor> {
    let (w, h) = mask.dimensions();
    let values = mask.as_raw().iter().map(|level| if *level == u8::MAX { 1f32 } else { 0.0 }).collect();
    Ok(Tensor::from_vec(values, (1, 1, h as usize, w as usize), &Device::Cpu)?)
}

/// Pictures (b, 3, h, w) side by side, in as many rows as columns.
pub fn sheet(x: &Tensor) -> Result<RgbImage> {
    let pictures = pictures(x)?;
    let (w, h) = pictures.first().map_or((0, 0), RgbImage::dimensions);
    let columns = (1..).find(|n| n * n >= pictures.len()).unwrap_or(1).max(1);
    let rows = pictures.len().div_ceil(columns);
    let mut sheet = RgbImage::new(columns as u32 * w, rows as u32 * h);
    for (i, picture) in pictures.iter().enumerate() {
        sheet.copy_from(picture, (i % columns) as u32 * w, (i / columns) as u32 * h)?;
    }
    Ok(sheet)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn black_grey_and_white_are_minus_one_zero_and_one_and_beyond_is_cut() {
        let x = Tensor::new(&[[[[-1f32, 0.0, 1.0, 7.0]], [[-1.0, 0.0, 1.0, 7.0]], [[-1.0, 0.0, 1.0, -7.0]]]], &Device::Cpu).unwrap();
        let picture = &pictures(&x).unwrap()[0];
        assert_eq!(picture.as_raw(), &[0, 0, 0, 128, 128, 128, 255, 255, 255, 255, 255, 0]);
    }

    #[test]
    fn every_level_survives_the_way_in_and_out() {
        let picture = RgbImage::from_fn(16, 16, |x, y| image::Rgb([(y * 16 + x) as u8, 255 - (y * 16 + x) as u8, 7]));
        assert_eq!(pictures(&tensor(&picture).unwrap()).unwrap(), [picture]);
    }

    #[test]
    fn five_pictures_make_a_sheet_of_three_by_two() {
        let x = Tensor::zeros((5, 3, 4, 2), DType::F32, &Device::Cpu).unwrap();
        assert_eq!(sheet(&x).unwrap().dimensions(), (6, 8));
    }
}
