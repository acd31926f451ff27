//! Gaussian blur: the classical way to take noise away, and the low-pass filter of a hybrid.

use candle_core::{Device, Result, Tensor};

/// A picture (b, c, h, w) under a Gaussian of standard deviation `sigma` in pixels, cut to a window of `kernel` pixels and
/// mirrored at the borders, as torchvision's `gaussian_blur`. A window that reaches beyond the mirror image is cut to fit.
pub fn gaussian_blur(x: &Tensor, kernel: usize, sigma: f64) -> Result<Tensor> {
    let (_, _, h, w) = x.dims4()?;
    // Separable and linear: one matrix for the columns, one for the rows.
    let (columns, rows) = (matrix(h, kernel, sigma, x.device())?, matrix(w, kernel, sigma, x.device())?);
    columns.broadcast_matmul(&x.contiguous()?)?.broadcast_matmul(&rows.t()?.contiguous()?)
}

/// The matrix (n, n) of the blur of a line of n pixels.
fn matrix(n: usize, kernel: usize, sigma: f64, device: &Device) -> Result<Tensor> {
    let radius = (kernel / 2).min(n.saturating_sub(1)) as isize;
    let weights: Vec<f64> = (-radius..=radius).map(|x| (-0.5 * (x as f64 / sigma).powi(2)).exp()).collect();
    let sum: f64 = weights.iter().sum();
    let mut matrix = vec![0f32; n * n];
    let last = n as isize - 1;
    for to in 0..n {
        for (offset, weight) in (-radius..=radius).zip(&weights) {
            // Mirrored without repeating the border pixel.
            let from = (to as isize + offset).abs();
            let from = (if from > last { 2 * last - from } else { from }) as usize;
            matrix[to * n + from] += (weight / sum) as f32;
        }
    }
    Tensor::from_vec(matrix, (n, n), device)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What torchvision makes of a picture of 5 rows and 6 columns.
    const WIDE: [f32; 30] = [
        5.006401, 5.480987, 5.4319, 5.031024, 4.691032, 4.950325, 4.818016, 5.219595, 5.170508, 4.8139, 4.473907, 4.639393, 5.207052,
        5.289505, 5.219616, 5.086587, 4.796134, 4.688502, 5.321229, 5.120968, 4.984272, 4.895511, 4.627598, 4.25038, 5.474061, 5.12149,
        5.024735, 5.14215, 4.883835, 4.313384,
    ];
    const NARROW: [f32; 30] = [
        4.7722, 4.823354, 4.466176, 6.858195, 5.162185, 2.837814, 5.985539, 5.0, 4.642822, 6.178589, 4.482579, 3.014461, 5.324372,
        4.821411, 6.357178, 5.517421, 3.821411, 4.728818, 4.289529, 4.642822, 6.178589, 4.482579, 3.642822, 5.032807, 4.839849, 5.856161,
        5.872656, 4.176646, 4.856161, 5.583127,
    ];

    #[test]
    fn it_blurs_as_torchvision_does() {
        let x: Vec<f32> = (0..30).map(|i| (i * 7 % 11) as f32).collect();
        let x = Tensor::from_vec(x, (1, 1, 5, 6), &Device::Cpu).unwrap();
        for (kernel, sigma, expected) in [(5, 2.0, WIDE), (3, 0.7, NARROW)] {
            let ours = gaussian_blur(&x, kernel, sigma).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
            assert!(ours.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5), "{kernel} {sigma}: {ours:?}");
        }
    }

    #[test]
    fn a_window_wider_than_the_picture_is_cut_and_a_flat_picture_stays_flat() {
        let x = Tensor::full(0.5f32, (2, 3, 8, 8), &Device::Cpu).unwrap();
        let blurred = gaussian_blur(&x, 99, 20.0).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert!(blurred.iter().all(|value| (value - 0.5).abs() < 1e-6));
    }
}
