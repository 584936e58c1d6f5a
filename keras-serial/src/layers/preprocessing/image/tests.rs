//! Outputs of image layers in training, for arguments that leave nothing to chance.

use super::*;
use crate::layers::{LayerExt, LayerRef};
use crate::ops::{FillMode, Sampling};

/// Returns layers and the outputs of Keras's
/// `layer(np.array([i * 37 % 256 for i in range(24)]).reshape(1, 2, 4, 3), training=True)`.
fn cases() -> Vec<(LayerRef, Vec<f32>)> {
    vec![
        (
            RandomTranslation::new([0.3, 0.3], [-0.4, -0.4]).shared(),
            vec![
                177.6, 61.0, 98.0, 135.0, 69.6, 106.6, 77.0, 114.0, 151.0, 164.0, 47.4, 84.4, 150.4, 95.24, 132.24,
                107.8, 83.36, 120.36, 49.8, 86.8, 123.8, 136.8, 81.64, 118.64,
            ],
        ),
        (
            RandomTranslation::new([0.6, 0.6], [0.3, 0.3]).fill_mode(FillMode::Wrap).shared(),
            vec![
                38.0, 75.0, 112.0, 9.0, 46.0, 83.0, 72.0, 109.0, 94.8, 131.8, 168.8, 205.8, 38.0, 75.0, 112.0, 9.0,
                46.0, 83.0, 72.0, 109.0, 94.8, 131.8, 168.8, 205.8,
            ],
        ),
        (
            RandomTranslation::new([0.6, 0.6], [0.3, 0.3]).fill_mode(FillMode::Constant).fill_value(7.0).shared(),
            vec![
                7.0, 7.0, 7.0, 7.0, 7.0, 7.0, 7.0, 7.0, 7.0, 7.0, 7.0, 7.0, 7.0, 7.0, 7.0, 2.52, 26.2, 49.88, 72.44,
                102.04, 131.64, 161.24, 27.0, 56.6,
            ],
        ),
        (
            RandomZoom::new([0.3, 0.3]).width_factor([-0.4, -0.4]).shared(),
            vec![
                66.6, 103.6, 140.6, 133.2, 119.0, 156.0, 199.8, 32.0, 69.0, 164.0, 47.4, 84.4, 101.0, 138.0, 72.6,
                65.2, 102.2, 139.2, 131.8, 168.8, 205.8, 96.0, 133.0, 170.0,
            ],
        ),
        (
            RandomRotation::new([0.1, 0.1]).shared(),
            vec![
                64.421, 101.421, 138.421, 154.222, 91.539, 128.539, 166.754, 78.45, 115.45, 10.552, 47.552, 84.552,
                4.292, 41.292, 72.448, 78.469, 115.469, 121.456, 110.778, 147.778, 184.778, 93.153, 130.153, 167.153,
            ],
        ),
        (
            RandomRotation::new([0.1, 0.1]).interpolation(Sampling::Nearest).fill_mode(FillMode::Nearest).shared(),
            vec![
                111.0, 148.0, 185.0, 111.0, 148.0, 185.0, 222.0, 3.0, 40.0, 9.0, 46.0, 83.0, 0.0, 37.0, 74.0, 43.0,
                80.0, 117.0, 154.0, 191.0, 228.0, 154.0, 191.0, 228.0,
            ],
        ),
        (
            RandomBrightness::new([0.2, 0.2]).shared(),
            vec![
                51.0, 88.0, 125.0, 162.0, 199.0, 236.0, 255.0, 54.0, 91.0, 128.0, 165.0, 202.0, 239.0, 255.0, 57.0,
                94.0, 131.0, 168.0, 205.0, 242.0, 255.0, 60.0, 97.0, 134.0,
            ],
        ),
        (
            RandomSaturation::new([0.3, 0.3]).shared(),
            vec![
                42.286, 58.143, 74.0, 153.286, 169.143, 185.0, 222.0, 128.143, 144.0, 119.286, 135.143, 151.0, 209.143,
                225.0, 131.143, 85.286, 101.143, 117.0, 196.286, 212.143, 228.0, 51.286, 67.143, 83.0,
            ],
        ),
        (
            RandomSharpness::new([0.8, 0.8]).shared(),
            vec![
                0.0, 29.754, 87.108, 123.969, 177.908, 231.846, 255.0, 0.0, 19.508, 87.662, 145.015, 190.554, 250.308,
                255.0, 0.0, 27.723, 81.662, 135.6, 189.538, 243.477, 255.0, 0.0, 48.769, 94.308,
            ],
        ),
        (
            RandomColorDegeneration::new([0.4, 0.4]).shared(),
            vec![
                12.062, 34.262, 56.462, 123.058, 145.258, 167.458, 162.271, 30.871, 53.071, 89.059, 111.259, 133.459,
                188.381, 210.581, 79.181, 55.06, 77.26, 99.46, 166.056, 188.256, 210.456, 21.062, 43.262, 65.462,
            ],
        ),
        (
            RandomPosterization::new([3, 3]).shared(),
            vec![
                0.0, 32.0, 64.0, 96.0, 128.0, 160.0, 192.0, 0.0, 32.0, 64.0, 96.0, 128.0, 160.0, 224.0, 0.0, 32.0,
                64.0, 96.0, 128.0, 160.0, 224.0, 0.0, 32.0, 64.0,
            ],
        ),
        (
            RandomInvert::new().factor([1.0, 1.0]).shared(),
            vec![
                255.0, 218.0, 181.0, 144.0, 107.0, 70.0, 33.0, 252.0, 215.0, 178.0, 141.0, 104.0, 67.0, 30.0, 249.0,
                212.0, 175.0, 138.0, 101.0, 64.0, 27.0, 246.0, 209.0, 172.0,
            ],
        ),
        (
            RandomGrayscale::new().factor(1.0).shared(),
            vec![
                30.155, 30.155, 30.155, 141.144, 141.144, 141.144, 72.677, 72.677, 72.677, 107.147, 107.147, 107.147,
                188.952, 188.952, 188.952, 73.151, 73.151, 73.151, 184.14, 184.14, 184.14, 39.154, 39.154, 39.154,
            ],
        ),
        (
            Equalization::new().shared(),
            vec![
                0.0, 36.0, 73.0, 146.0, 182.0, 219.0, 255.0, 0.0, 36.0, 109.0, 146.0, 182.0, 219.0, 255.0, 0.0, 73.0,
                109.0, 146.0, 182.0, 219.0, 255.0, 36.0, 73.0, 109.0,
            ],
        ),
        (
            RandomCrop::new(3, 2).shared(),
            vec![
                111.0, 148.0, 185.0, 222.0, 3.0, 40.0, 77.0, 114.0, 151.0, 188.0, 97.0, 134.0, 43.0, 80.0, 117.0,
                154.0, 191.0, 228.0,
            ],
        ),
    ]
}

#[test]
fn fixed_factors_give_kerass_images() {
    let pixels: Vec<f32> = (0..24).map(|i| (i * 37 % 256) as f32).collect();
    let x = Tensor::from_vec(pixels, [1, 2, 4, 3]).unwrap();
    for (layer, expected) in cases() {
        let y = layer.call(&x, &CallContext::training()).unwrap().into_single().unwrap().to_vec::<f32>().unwrap();
        assert_eq!(y.len(), expected.len(), "{layer:?}");
        for (actual, expected) in y.iter().zip(&expected) {
            assert!((actual - expected).abs() < 2e-3 * (1.0 + expected.abs()), "{layer:?}: {y:?}");
        }
    }
}

#[test]
fn random_layers_keep_shape_and_range() {
    let pixels: Vec<f32> = (0..4 * 6 * 5 * 3).map(|i| (i * 37 % 256) as f32).collect();
    let x = Tensor::from_vec(pixels, [4, 6, 5, 3]).unwrap();
    let layers = [
        RandomShear::new().x_factor(0.3).seed(1).shared(),
        RandomContrast::new(0.5).seed(1).shared(),
        RandomHue::new(0.5).seed(1).shared(),
        RandomGaussianBlur::new().seed(1).shared(),
        RandomErasing::new().seed(1).shared(),
        RandomElasticTransform::new().seed(1).shared(),
        RandomPerspective::new().seed(1).shared(),
        RandomColorJitter::new().brightness_factor(0.2).contrast_factor(0.2).hue_factor(0.1).seed(1).shared(),
        Solarization::new().addition_factor(0.3).threshold_factor(0.3).seed(1).shared(),
        MixUp::new().seed(1).shared(),
        CutMix::new().seed(1).shared(),
        AugMix::new().seed(1).shared(),
    ];
    for layer in layers {
        let y = layer.call(&x, &CallContext::training()).unwrap().into_single().unwrap();
        assert_eq!(y.shape(), x.shape(), "{layer:?}");
        let y = y.to_vec::<f32>().unwrap();
        assert!(y.iter().all(|y| (-0.01..=255.01).contains(y)), "{layer:?}: {y:?}");
        assert_ne!(y, x.to_vec::<f32>().unwrap(), "{layer:?}");
    }
}
