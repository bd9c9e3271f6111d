package main

import "syscall"

// mountSmall mounts a file system of 64 MB, which only root may.
func mountSmall(folder string) (unmount func() error, err error) {
	err = syscall.Mount("tmpfs", folder, "tmpfs", 0, "size=64m")
	return func() error { return syscall.Unmount(folder, syscall.MNT_DETACH) }, err
}
