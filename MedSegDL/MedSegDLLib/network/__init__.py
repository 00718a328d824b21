"""The inception U-Net: its layers, fused inference, weights, sliding window, and the device it runs on."""
