"""Networks that make images: autoencoders (unit 10), GANs and what is done with them (unit 11)."""
