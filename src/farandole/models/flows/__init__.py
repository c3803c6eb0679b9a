"""Normalizing flows: bijections with log-determinants, priors, and conditional densities made of them. No model here."""
