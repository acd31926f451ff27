//! Enlarging, as stage II models were trained on it.

use candle_core::{Result, Tensor};

/// A picture (b, c, h, w) at `side` x `side` pixels, bilinear with the corners on the corners: PyTorch's
/// `interpolate(mode="bilinear", align_corners=True)`.
pub fn bilinear(x: &Tensor, side: usize) -> Result<Tensor> {
    let (_, _, h, w) = x.dims4()?;
    let matrix = |from: usize| Tensor::from_vec(weights(from, side), (side, from), x.device());
    matrix(h)?.broadcast_matmul(&x.contiguous()?)?.broadcast_matmul(&matrix(w)?.t()?.contiguous()?)
}

/// How much each of `from` pixels counts for each of `to`, row by row.
fn weights(from: usize, to: usize) -> Vec<f32> {
    let mut weights = vec![0f32; from * to];
    let scale = if to > 1 { from.saturating_sub(1) as f64 / (to - 1) as f64 } else { 0.0 };
    for at in 0..to {
        let place = at as f64 * scale;
        let low = (place as usize).min(from.saturating_sub(1));
        let high = (low + 1).min(from.saturating_sub(1));
        let fraction = (place - low as f64) as f32;
        weights[at * from + low] += 1.0 - fraction;
        weights[at * from + high] += fraction;
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn it_enlarges_as_pytorch_does() {
        let x = Tensor::new(&[[[[0f32, 1.0, 4.0], [2.0, -1.0, 3.0], [5.0, 7.0, -2.0]]]], &Device::Cpu).unwrap();
        let ours = bilinear(&x, 5).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let theirs = [
            0.0, 0.5, 1.0, 2.5, 4.0, 1.0, 0.5, 0.0, 1.75, 3.5, 2.0, 0.5, -1.0, 1.0, 3.0, 3.5, 3.25, 3.0, 1.75, 0.5, 5.0, 6.0, 7.0, 2.5,
            -2.0,
        ];
        assert!(ours.iter().zip(theirs).all(|(a, b): (&f32, f32)| (a - b).abs() < 1e-6), "{ours:?}");
    }

    #[test]
    fn corners_stay_and_the_same_size_changes_nothing() {
        let x = Tensor::randn(0f32, 1.0, (2, 3, 8, 8), &Device::Cpu).unwrap();
        let values = |x: Tensor| x.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(values(bilinear(&x, 8).unwrap()), values(x.clone()));
        let large = bilinear(&x, 32).unwrap();
        let corner = |x: &Tensor, at| x.get(1).unwrap().get(2).unwrap().get(at).unwrap().get(at).unwrap().to_scalar::<f32>().unwrap();
        assert_eq!((corner(&large, 0), corner(&large, 31)), (corner(&x, 0), corner(&x, 7)));
    }
}
