package listener

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"libtransmit/buffer/descriptor"
)

// copyAtOnce is how many bytes are written between two looks at the clock: a millisecond.
const copyAtOnce = 1 << 20

// File is a sealed memfd: no process can write to it, or change its length.
type File struct{ descriptor *descriptor.File }

// Seal makes a file of the document. From time to time it calls stop with the number of bytes written. If stop returns an
// error, Seal ends with it.
func Seal(out [][]byte, stop func(written int) error) (*File, error) {
	file, err := newMemfd()
	if err != nil {
		return nil, err
	}
	err = fillFile(file, out, stop)
	if err == nil {
		const seals = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE | unix.F_SEAL_SEAL
		_, err = unix.FcntlInt(uintptr(file.FD), unix.F_ADD_SEALS, seals)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return &File{file}, nil
}

// Close closes this process's descriptor of the file.
func (f *File) Close() { f.descriptor.Close() }

// Map maps the file read-only; unmap the whole capacity of the result. The map stays valid after Close.
func (f *File) Map(size int) ([]byte, error) {
	if !f.descriptor.IsOurs() {
		return nil, unix.EBADF
	}
	page := unix.Getpagesize()
	room := (size + page - 1) &^ (page - 1)
	start, err := unix.MmapPtr(f.descriptor.FD, 0, nil, uintptr(room), unix.PROT_READ, unix.MAP_PRIVATE)
	if err != nil {
		return nil, err
	}
	return unsafe.Slice((*byte)(start), room)[:size], nil
}

func newMemfd() (*descriptor.File, error) {
	const flags = unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	fd, err := unix.MemfdCreate("profile", flags|unix.MFD_NOEXEC_SEAL)
	if err != nil { // Linux before 6.3, or a seccomp filter that does not know the flag
		fd, err = unix.MemfdCreate("profile", flags)
	}
	if err != nil {
		return nil, err
	}
	return descriptor.New(fd)
}

func fillFile(file *descriptor.File, out [][]byte, stop func(written int) error) error {
	if !isWithinFileSize(out) {
		return errFileSize
	}
	written := 0
	for _, piece := range out {
		for len(piece) > 0 {
			if err := stop(written); err != nil {
				return err
			}
			if !file.IsOurs() {
				return unix.EBADF
			}
			n, err := unix.Write(file.FD, piece[:min(len(piece), copyAtOnce)])
			if err == unix.EFBIG {
				takeFileSizeSignal() // the limit was lowered just now
			}
			if err != nil && err != unix.EINTR {
				return err
			}
			n = max(n, 0)
			piece, written = piece[n:], written+n
		}
	}
	return nil
}

// SendFile sends an empty datagram with a descriptor, without blocking.
func (s *Socket) SendFile(f *File) unix.Errno {
	d := s.connected()
	if d == nil {
		return unix.ENOTCONN
	}
	file := f.descriptor
	if !file.IsOurs() {
		return unix.EBADF
	}
	rights := unix.UnixRights(file.FD)
	message := unix.Msghdr{Control: unsafe.SliceData(rights)}
	message.SetControllen(len(rights))
	_, _, errno := unix.RawSyscall(unix.SYS_SENDMSG, uintptr(d.FD),
		uintptr(unsafe.Pointer(&message)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	return errno
}
