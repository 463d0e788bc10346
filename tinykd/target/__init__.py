"""Boards, toolchains, images and the emulators that run them."""
