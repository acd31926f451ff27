//! GELU with the error function (Hendrycks and Gimpel 2016), written so that the compiler makes vectors of it.

/// x · Φ(x).
#[inline(always)]
pub fn gelu(x: f32) -> f32 {
    x * normal(x)
}

/// Its derivative, Φ(x) + x · φ(x).
#[inline(always)]
pub fn slope(x: f32) -> f32 {
    // 1 / √(2π)
    normal(x) + x * 0.398_942_3 * exp(-0.5 * x * x)
}

/// Φ, the normal distribution, within 3e-7.
#[inline(always)]
fn normal(x: f32) -> f32 {
    0.5 + 0.5 * erf(x * std::f32::consts::FRAC_1_SQRT_2)
}

/// The error function within 5e-7: a quotient of polynomials between -4 and 4, beyond which float32 knows only ±1.
#[inline(always)]
fn erf(x: f32) -> f32 {
    const ABOVE: [f32; 7] = [2.726_142e-10, -2.770_681_4e-8, 2.101_024e-6, 5.692_506_5e-5, 7.349_906_3e-4, 2.954_6e-3, 1.609_603_3e-2];
    const BELOW: [f32; 5] = [1.456_607_2e-5, 2.133_740_6e-4, 1.682_827e-3, 7.373_329e-3, 1.426_473_9e-2];
    let x = x.clamp(-4.0, 4.0);
    x * polynomial(&ABOVE, x * x) * inverse(polynomial(&BELOW, x * x))
}

#[inline(always)]
fn polynomial(factors: &[f32], x: f32) -> f32 {
    factors.iter().skip(1).fold(factors[0], |sum, factor| sum.mul_add(x, *factor))
}

/// 1 / x of a positive x, by Newton's steps from a guess at its bits: a vector's division takes as long as 30 of its products.
#[inline(always)]
fn inverse(x: f32) -> f32 {
    let mut y = f32::from_bits(0x7EF3_11C7_u32.wrapping_sub(x.to_bits()));
    for _ in 0..3 {
        y = y.mul_add((-x).mul_add(y, 1.0), y);
    }
    y
}

/// e to a power that is not above 0, within 1e-6 of 1 and 6e-6 of itself.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    const POWERS: [f32; 7] = [1.546_531_8e-4, 1.339_528_5e-3, 9.618_04e-3, 5.550_340_6e-2, 0.240_226_5, std::f32::consts::LN_2, 1.0];
    // 2 to a whole number, put together from its bits, times 2 to the rest between -1/2 and 1/2. It is 2^-126 at least, and no
    // number where x is none, which `max` would hide.
    let exponent = x * std::f32::consts::LOG2_E;
    let exponent = if exponent < -126.0 { -126.0 } else { exponent };
    // Adding 1.5 · 2^23 rounds, and leaves the whole number in the last bits. (A cast to an integer would be made one by one.)
    let shifted = exponent + 12_582_912.0;
    let rest = exponent - (shifted - 12_582_912.0);
    polynomial(&POWERS, rest) * f32::from_bits(shifted.to_bits().wrapping_add(127) << 23)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_what_their_names_say_within_float32() {
        for at in -2_000..2_000 {
            let x = f64::from(at) / 150.0;
            let phi = (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt();
            let capital = 0.5 * candle_core::cpu::erf::erfc_f64(-x * std::f64::consts::FRAC_1_SQRT_2);
            assert!((f64::from(gelu(x as f32)) - x * capital).abs() < 4e-6, "gelu {x}");
            assert!((f64::from(slope(x as f32)) - (capital + x * phi)).abs() < 2e-6, "slope {x}");
        }
        for (far, near) in [(gelu(-90.0), 0.0), (gelu(90.0), 90.0), (slope(-1e3), 0.0), (slope(1e3), 1.0)] {
            assert!((far - near).abs() < 1e-5, "{far}");
        }
    }

    #[test]
    fn the_exponential_is_one_within_float32() {
        for at in 0..20_000 {
            let x = -f64::from(at) / 230.0;
            let off = (f64::from(exp(x as f32)) - f64::from(x as f32).exp()).abs() / f64::from(x as f32).exp();
            assert!(off < 6e-6, "{x}: {off}");
        }
        assert!((0.0..1e-37).contains(&exp(-1e4)) && exp(0.0) == 1.0);
    }
}
