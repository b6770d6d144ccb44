// Memfd PATH is a listener daemon that takes profiles larger than a datagram,
// too (oversize = "memfd"). It prints each one on a line.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"syscall"
)

// maxLength is TRANSMIT_MAX_LENGTH, and room for "_meta".
const maxLength = 64<<20 + 1<<10

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
	datagram, control := make([]byte, 1<<20), make([]byte, syscall.CmsgSpace(4))
	for {
		n, controlSize, _, _, err := conn.ReadMsgUnix(datagram, control)
		if err != nil {
			log.Fatal(err)
		}
		profile, err := profileOf(datagram[:n], control[:controlSize])
		if err != nil {
			log.Print(err)
			continue
		}
		fmt.Printf("%s\n", profile)
	}
}

// profileOf is the datagram itself, or the file whose descriptor came with it.
func profileOf(datagram, control []byte) ([]byte, error) {
	if len(control) == 0 {
		return datagram, nil
	}
	messages, err := syscall.ParseSocketControlMessage(control)
	if err != nil {
		return nil, err
	}
	descriptors, err := syscall.ParseUnixRights(&messages[0])
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(descriptors[0]), "profile")
	defer file.Close()
	// From its start: the sender's position comes with the descriptor.
	return io.ReadAll(io.NewSectionReader(file, 0, maxLength))
}
