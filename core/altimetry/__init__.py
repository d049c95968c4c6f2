"""Lidar altimetry in: files of four missions as points that know their frame and epoch."""
