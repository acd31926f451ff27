//! MNIST, compiled in (LeCun, Cortes and Burges; CC BY-SA 3.0).

use super::{Data, idx};
use anyhow::Result;

pub(super) fn load() -> Result<Data> {
    idx::read([
        ("train-images-idx3-ubyte", include_bytes!("mnist/train-images-idx3-ubyte.gz")),
        ("train-labels-idx1-ubyte", include_bytes!("mnist/train-labels-idx1-ubyte.gz")),
        ("t10k-images-idx3-ubyte", include_bytes!("mnist/t10k-images-idx3-ubyte.gz")),
        ("t10k-labels-idx1-ubyte", include_bytes!("mnist/t10k-labels-idx1-ubyte.gz")),
    ])
}
