"""Machines that run an image: QEMU, unicorn, and the host itself."""
