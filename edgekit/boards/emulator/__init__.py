"""Emulated boards: which exist, the disk they run from, how programs are started on one."""
