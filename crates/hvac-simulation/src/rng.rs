//! The simulator's only source of chance: SplitMix64 (Steele, Lea, Flood 2014, "Fast splittable
//! pseudorandom number generators"), written out so that committed samples never change with a crate.

/// A seeded generator; every stream of chance has its own.
#[derive(Debug, Clone)]
pub struct Rng(u64);

impl Rng {
    /// The stream of that name under a seed: independent of all other names.
    #[must_use]
    pub fn new(seed: u64, stream: &str) -> Self {
        // FNV-1a of the name, so that adding a stream leaves the others as they are.
        let name = stream
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        let mut rng = Self(seed ^ name);
        rng.next_u64();
        rng
    }

    /// The next 64 random bits.
    pub(crate) fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in [0, 1).
    pub fn uniform(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform in [low, high).
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// A whole number below `n` (0 for n = 0); the bias of the remainder is below n / 2⁶⁴.
    pub fn below(&mut self, n: u64) -> u64 {
        self.next_u64().checked_rem(n).unwrap_or(0)
    }

    /// Bell-shaped, mean 0, variance 1, within ±3.5: the sum of the draw's four 16-bit parts. Only sums and
    /// a product, so every platform rounds it alike.
    pub fn normal(&mut self) -> f64 {
        let bits = self.next_u64();
        let sum: u64 = [0, 16, 32, 48].iter().map(|shift| (bits >> shift) & 0xffff).sum();
        // Four uniforms on 0…65535: mean 131070, variance 4·(65536² − 1)/12.
        (sum as f64 - 131_070.0) / 37_837.23
    }
}

/// A slow random drift: an AR(1) process with mean 0 and standard deviation 1.
#[derive(Debug, Clone)]
pub struct Drift {
    rng: Rng,
    memory: f64,
    value: f64,
}

impl Drift {
    /// A drift that forgets with the time constant `tau_hours` when stepped every `step_hours`.
    #[must_use]
    pub fn new(mut rng: Rng, tau_hours: f64, step_hours: f64) -> Self {
        let value = rng.normal();
        Self { rng, memory: (-step_hours / tau_hours).exp(), value }
    }

    /// Its next value.
    pub fn step(&mut self) -> f64 {
        let fresh = (1.0 - self.memory * self.memory).sqrt();
        self.value = self.memory * self.value + fresh * self.rng.normal();
        self.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The reference implementation's first outputs for seed 1234567 (Vigna, splitmix64.c).
    #[test]
    fn is_splitmix64() {
        let mut rng = Rng(1_234_567);
        let got: Vec<u64> = (0..3).map(|_| rng.next_u64()).collect();
        assert_eq!(got, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn normal_has_the_moments_it_promises() {
        let mut rng = Rng::new(7, "moments");
        let n = 200_000;
        let draws: Vec<f64> = (0..n).map(|_| rng.normal()).collect();
        let mean = draws.iter().sum::<f64>() / f64::from(n);
        let variance = draws.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / f64::from(n);
        assert!(mean.abs() < 0.01 && (variance - 1.0).abs() < 0.01, "{mean} {variance}");
        assert!(draws.iter().all(|d| d.abs() < 3.5));
    }

    #[test]
    fn streams_differ_and_repeat() {
        let first = |seed, stream| Rng::new(seed, stream).next_u64();
        assert_eq!(first(1, "a"), first(1, "a"));
        assert_ne!(first(1, "a"), first(1, "b"));
        assert_ne!(first(1, "a"), first(2, "a"));
    }
}
