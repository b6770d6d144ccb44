package buffer

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"golang.org/x/sys/unix"
)

// create makes a temporary file of pieces, whole, and returns its name.
func (d *directory) create(pieces [][]byte) (temp string, err error) {
	var file descriptor
	temp, err = firstFree(newTempName, func(name string) (err error) {
		file, err = d.createFile(name)
		return err
	})
	if err != nil {
		return "", d.failure("create", err)
	}
	err = file.writeAll(pieces)
	// NFS and quotas may tell only now that the bytes were not taken.
	if closing := file.close(); err == nil {
		err = closing
	}
	if err != nil {
		d.remove(temp)
		return "", d.failure("write", err)
	}
	return temp, nil
}

func (d *directory) createFile(name string) (descriptor, error) {
	fd, err := openat(d.fd, name, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return descriptor{}, err
	}
	var status unix.Stat_t
	if err := unix.Fstat(fd, &status); err != nil {
		unix.Close(fd)
		return descriptor{}, err
	}
	return descriptor{fd, status.Dev, status.Ino}, nil
}

// firstFree uses nextName's names until one is not taken.
func firstFree(nextName func() string, use func(name string) error) (name string, err error) {
	const attempts = 16 // two names are the same once in 2^32
	for range attempts {
		name = nextName()
		if err = use(name); err != unix.EEXIST {
			break
		}
	}
	return name, err
}

// publish gives temp the first of nextName's names that is free.
func (d *directory) publish(temp string, nextName func() string) (name string, err error) {
	name, err = firstFree(nextName, func(name string) error { return d.move(temp, name) })
	if err != nil {
		return "", d.failure("rename", err)
	}
	return name, nil
}

// move renames temp and never replaces a file: EEXIST if name is taken. Some ways do
// not work everywhere, so it tries the next one:
//
//	renameat2 with RENAME_NOREPLACE   not on NFS, some FUSE, Linux before 3.15, in some sandboxes
//	link, then unlink                 not on FAT, some FUSE, in some sandboxes
//	rename, if the name is free       whoever takes it between the two calls loses his file
func (d *directory) move(temp, name string) (err error) {
	for _, way := range []func(temp, name string) error{d.moveByRename2, d.moveByLink, d.moveIfFree} {
		if err = way(temp, name); !isRefusal(err) {
			break
		}
	}
	return err
}

// isRefusal tells whether the kernel, the file system or a filter of system calls may
// refuse the call as such, whatever its arguments: another one may do it.
func isRefusal(err error) bool {
	switch err {
	case unix.EINVAL, unix.ENOSYS, unix.EPERM, unix.EACCES, unix.EOPNOTSUPP, unix.EMLINK, unix.ENOTTY:
		return true
	}
	return false
}

func (d *directory) moveByRename2(temp, name string) error {
	return unix.Renameat2(d.fd, temp, d.fd, name, unix.RENAME_NOREPLACE)
}

func (d *directory) moveByLink(temp, name string) error {
	err := unix.Linkat(d.fd, temp, d.fd, name, 0)
	if err == nil {
		d.remove(temp)
	}
	return err
}

func (d *directory) moveIfFree(temp, name string) error {
	var status unix.Stat_t
	switch err := unix.Fstatat(d.fd, name, &status, unix.AT_SYMLINK_NOFOLLOW); err {
	case unix.ENOENT:
		return unix.Renameat(d.fd, temp, d.fd, name)
	case nil:
		return unix.EEXIST
	default:
		return err
	}
}

// failure names the operation; no room is also an ErrFull.
func (d *directory) failure(operation string, err error) error {
	err = &fs.PathError{Op: operation, Path: d.path, Err: err}
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}

// writeAll looks before each piece whether the file is still ours: a disk may have
// taken its time for the last one.
func (d *descriptor) writeAll(pieces [][]byte) error {
	const maxPieces = 1024 // IOV_MAX
	rest := skip(slices.Clone(pieces), 0)
	for len(rest) > 0 {
		if _, ours := d.status(); !ours {
			return unix.EBADF
		}
		n, err := unix.Writev(d.fd, rest[:min(len(rest), maxPieces)])
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return err
		case n == 0:
			return io.ErrShortWrite
		}
		rest = skip(rest, n)
	}
	return nil
}

// skip takes the first n bytes off pieces, and empty pieces that then come
// first. It changes pieces.
func skip(pieces [][]byte, n int) [][]byte {
	for len(pieces) > 0 && n >= len(pieces[0]) {
		n -= len(pieces[0])
		pieces = pieces[1:]
	}
	if n > 0 {
		pieces[0] = pieces[0][n:]
	}
	return pieces
}

// openat is openat(2), close-on-exec, interrupted by no signal. The result is
// never 0, 1 or 2: a host that has closed those may still print to them.
func openat(dirfd int, path string, flags int, mode uint32) (int, error) {
	fd, err := unix.Openat(dirfd, path, flags|unix.O_CLOEXEC, mode)
	for err == unix.EINTR {
		fd, err = unix.Openat(dirfd, path, flags|unix.O_CLOEXEC, mode)
	}
	if err != nil || fd > 2 {
		return fd, err
	}
	defer unix.Close(fd)
	return unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
}
