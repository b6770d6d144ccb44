// Memfd PATH is a listener daemon that takes profiles larger than a datagram,
// too (oversize = "memfd"). It prints each one on a line.
//
// Whoever may write to the socket may pass any descriptors: a FIFO, a device, a
// file that is cut while it is read. So each one is looked at, and each is closed.
package main

import (
	"errors"
	"fmt"
	"log"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

const (
	// maxLength is TRANSMIT_MAX_LENGTH, and room for "_meta".
	maxLength = 64<<20 + 1<<10

	// maxFiles is the most that the kernel passes in one datagram: SCM_MAX_FD. With room for all of them, each one can
	// be closed.
	maxFiles = 253
)

var errRefused = errors.New("refused: not one sealed file")

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: memfd PATH")
	}
	os.Remove(os.Args[1])
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: os.Args[1], Net: "unixgram"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("ready")
	datagram, control := make([]byte, 1<<20), make([]byte, unix.CmsgSpace(4*maxFiles))
	for {
		n, controlSize, flags, _, err := conn.ReadMsgUnix(datagram, control)
		if err != nil {
			log.Fatal(err)
		}
		profile, err := profileOf(datagram[:n], control[:controlSize], flags)
		if err != nil {
			log.Print(err)
			continue
		}
		fmt.Printf("%s\n", visible(profile))
	}
}

// visible replaces characters that are not visible ASCII: a terminal executes control characters, and a line feed would
// forge a line.
func visible(text []byte) []byte {
	for i, char := range text {
		switch {
		case '\t' <= char && char <= '\r':
			text[i] = ' '
		case char < ' ' || char > '~':
			text[i] = '?'
		}
	}
	return text
}

// profileOf is the datagram itself, or the file whose descriptor came with it.
func profileOf(datagram, control []byte, flags int) ([]byte, error) {
	files := filesIn(control)
	defer func() {
		for _, file := range files {
			unix.Close(file)
		}
	}()
	switch {
	case len(files) == 0 && flags&unix.MSG_CTRUNC == 0:
		return datagram, nil
	case len(files) == 1 && len(datagram) == 0:
		return read(files[0])
	default: // MSG_CTRUNC: there was no descriptor left for what came
		return nil, errRefused
	}
}

func filesIn(control []byte) (files []int) {
	messages, _ := unix.ParseSocketControlMessage(control)
	for i := range messages {
		some, _ := unix.ParseUnixRights(&messages[i])
		files = append(files, some...)
	}
	return files
}

// read takes a sealed file only: its sender can neither change it nor cut it off, and a
// device or a FIFO has no seals. From its start: the sender's position comes with the descriptor.
func read(file int) ([]byte, error) {
	const wanted = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE
	seals, err := unix.FcntlInt(uintptr(file), unix.F_GET_SEALS, 0)
	var status unix.Stat_t
	if err != nil || seals&wanted != wanted || unix.Fstat(file, &status) != nil || status.Size > maxLength {
		return nil, errRefused
	}
	profile := make([]byte, status.Size)
	for at := 0; at < len(profile); {
		n, err := unix.Pread(file, profile[at:], int64(at))
		if n <= 0 && err != unix.EINTR {
			return nil, errRefused
		}
		at += max(n, 0)
	}
	return profile, nil
}
