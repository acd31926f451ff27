//! The colours to paint with.

use super::sheet::Rgb;

/// Name and colour; the first ten have the digits as keys.
pub const COLOURS: [(&str, Rgb); 16] = [
    ("black", [0, 0, 0]),
    ("white", [255, 255, 255]),
    ("red", [230, 30, 30]),
    ("orange", [255, 140, 0]),
    ("yellow", [250, 220, 30]),
    ("green", [30, 160, 50]),
    ("cyan", [30, 190, 200]),
    ("blue", [30, 70, 220]),
    ("purple", [140, 50, 190]),
    ("pink", [255, 130, 180]),
    ("brown", [130, 80, 40]),
    ("dark grey", [64, 64, 64]),
    ("grey", [128, 128, 128]),
    ("light grey", [192, 192, 192]),
    ("sky blue", [140, 200, 250]),
    ("skin", [240, 200, 165]),
];

/// What a mask is painted with.
pub const MASK: [(&str, Rgb); 2] = [("make new", [255; 3]), ("keep", [0; 3])];
