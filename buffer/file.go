package buffer

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"golang.org/x/sys/unix"

	"libtransmit/buffer/descriptor"
)

// create writes text to a new temporary file and returns its name.
func (d *directory) create(text []byte) (temp string, err error) {
	var file descriptor.File
	temp, err = firstFree(newTempName, func(name string) (err error) {
		file, err = d.createFile(name)
		return err
	})
	if err != nil {
		return "", d.failure("create", err)
	}
	err = writeAll(&file, text)
	// NFS and quotas may report only now that the bytes were not written.
	if closing := file.Close(); err == nil {
		err = closing
	}
	if err != nil {
		d.remove(temp)
		return "", d.failure("write", err)
	}
	return temp, nil
}

func (d *directory) createFile(name string) (descriptor.File, error) {
	fd, err := openat(d.FD, name, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return descriptor.File{}, err
	}
	var status unix.Stat_t
	if err := unix.Fstat(fd, &status); err != nil {
		unix.Close(fd)
		return descriptor.File{}, err
	}
	return descriptor.Of(fd, &status), nil
}

// firstFree calls use with names from nextName until one is free.
func firstFree(nextName func() string, use func(name string) error) (name string, err error) {
	const attempts = 16
	for range attempts {
		name = nextName()
		if err = use(name); err != unix.EEXIST {
			break
		}
	}
	return name, err
}

// publish renames temp to the first free name from nextName.
func (d *directory) publish(temp string, nextName func() string) (name string, err error) {
	name, err = firstFree(nextName, func(name string) error { return d.move(temp, name) })
	if err != nil {
		return "", d.failure("rename", err)
	}
	return name, nil
}

// move renames temp. It never replaces a file: it returns EEXIST if name is taken. It tries three ways in this order,
// because some do not work everywhere:
//
//	renameat2 with RENAME_NOREPLACE   not on NFS, some FUSE, Linux before 3.15, in some sandboxes
//	link, then unlink                 not on FAT, some FUSE, in some sandboxes
//	rename, if the name is free       replaces a file that gets the name between the two calls
func (d *directory) move(temp, name string) (err error) {
	for _, way := range []func(temp, name string) error{d.moveByRename2, d.moveByLink, d.moveIfFree} {
		if err = way(temp, name); !isRefusal(err) {
			break
		}
	}
	return err
}

// isRefusal tells whether the kernel, the file system or a seccomp filter may not support the system call at all. Then
// another one may work.
func isRefusal(err error) bool {
	switch err {
	case unix.EINVAL, unix.ENOSYS, unix.EPERM, unix.EACCES, unix.EOPNOTSUPP, unix.EMLINK, unix.ENOTTY:
		return true
	}
	return false
}

func (d *directory) moveByRename2(temp, name string) error {
	return unix.Renameat2(d.FD, temp, d.FD, name, unix.RENAME_NOREPLACE)
}

// moveByLink must not leave the file under both names. If the process dies between its two steps, a scan or
// restoreClaimed removes temp.
func (d *directory) moveByLink(temp, name string) error {
	if err := unix.Linkat(d.FD, temp, d.FD, name, 0); err != nil {
		return err
	}
	err := unix.Unlinkat(d.FD, temp, 0)
	if err == nil || err == unix.ENOENT { // a scan was first
		return nil
	}
	d.remove(name)
	return fmt.Errorf("unlink: %w", err) // no refusal: the third way cannot remove temp either
}

func (d *directory) moveIfFree(temp, name string) error {
	var status unix.Stat_t
	switch err := unix.Fstatat(d.FD, name, &status, unix.AT_SYMLINK_NOFOLLOW); err {
	case unix.ENOENT:
		return unix.Renameat(d.FD, temp, d.FD, name)
	case nil:
		return unix.EEXIST
	default:
		return err
	}
}

// failure adds the operation and the path to err. If there was no room, the result is also an ErrFull.
func (d *directory) failure(operation string, err error) error {
	err = &fs.PathError{Op: operation, Path: d.path, Err: err}
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}

// writeAll writes text to the file, which was just opened. Before each further write(2) it checks that the descriptor is
// still ours, because a slow disk may have held up the write before.
func writeAll(file *descriptor.File, text []byte) error {
	for isFirst := true; len(text) > 0; isFirst = false {
		if !isFirst && !file.IsOurs() {
			return unix.EBADF
		}
		n, err := unix.Write(file.FD, text)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return err
		case n == 0:
			return io.ErrShortWrite
		}
		text = text[n:]
	}
	return nil
}

// openat is openat(2), close-on-exec, repeated after EINTR. The result is above the standard streams.
func openat(dirfd int, path string, flags int, mode uint32) (int, error) {
	fd, err := unix.Openat(dirfd, path, flags|unix.O_CLOEXEC, mode)
	for err == unix.EINTR {
		fd, err = unix.Openat(dirfd, path, flags|unix.O_CLOEXEC, mode)
	}
	if err != nil {
		return fd, err
	}
	return descriptor.AboveStandardStreams(fd)
}
