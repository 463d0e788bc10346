"""Tests of schemes."""
