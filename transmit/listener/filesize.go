package listener

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// errFileSize means that the host's RLIMIT_FSIZE is less than the document.
var errFileSize = errors.New("RLIMIT_FSIZE is too low")

func isWithinFileSize(out [][]byte) bool {
	var size uint64
	for _, piece := range out {
		size += uint64(len(piece))
	}
	var limit unix.Rlimit
	err := unix.Getrlimit(unix.RLIMIT_FSIZE, &limit)
	return err != nil || size <= limit.Cur
}

// takeFileSizeSignal removes the SIGXFSZ that the kernel has sent to this thread. The thread blocks it during the call
// (door/export.c). If it stayed pending, it would end the host after the call.
func takeFileSizeSignal() {
	set := uint64(1) << (unix.SIGXFSZ - 1)
	var atOnce unix.Timespec
	unix.RawSyscall6(unix.SYS_RT_SIGTIMEDWAIT, uintptr(unsafe.Pointer(&set)), 0,
		uintptr(unsafe.Pointer(&atOnce)), unsafe.Sizeof(set), 0, 0)
}
