//! Training the networks of part B of the course: data, objectives, the loop, its checkpoints, and images of what was trained.

mod adam;
mod checkpoint;
mod data;
mod decay;
mod draw;
mod fit;
mod objective;
mod parameters;
mod verify;
mod watch;

pub use adam::Adam;
pub use checkpoint::{Mismatch, Trained, network};
pub use data::{Data, Images, SIDE, one_hot};
pub use decay::Decay;
pub use draw::Drawing;
pub use fit::{Fit, Settings, Taught};
pub use objective::{Example, Objective};
pub use parameters::Parameters;
pub use verify::verify;
use watch::Watch;
