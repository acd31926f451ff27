//! Training the networks of part B of the course: the optimizer, and the comparison with PyTorch's recorded steps.

mod adam;
mod parameters;
mod verify;

pub use adam::Adam;
pub use parameters::Parameters;
pub use verify::verify;
