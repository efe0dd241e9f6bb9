"""Emulated boards: which there are, the disk they run from, how programs are started on one."""
