// Disk BACKING MOUNT is a disk that misbehaves on demand: it mounts a FUSE file
// system that passes everything on to the directory BACKING, in the way that
// standard input says, one command a line:
//
//	works
//	hangs        nothing is answered until another command comes
//	slow MS      each operation takes so long
//	fails ERRNO  so does every create, write and rename
//	fat ERRNO    from now on, links fail so, and a rename takes no flags
//
// It prints "ok" when it is mounted, and after each command. When its input ends, it unmounts itself, and operations
// that still wait get an error.
package main

import (
	"bufio"
	"fmt"
	"log"
	"os"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 3 {
		log.Fatal("disk BACKING MOUNT")
	}
	root, err := fs.NewLoopbackRoot(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	d := newDisk(fs.NewNodeFS(root, &fs.Options{}))
	server, err := fuse.NewServer(d, os.Args[2], &fuse.MountOptions{
		FsName: "disk", Name: "transmit", AllowOther: true, DirectMountStrict: true,
		MaxBackground: 64, Options: []string{"default_permissions"},
	})
	if err != nil {
		log.Fatal(err)
	}
	go server.Serve()
	if err := server.WaitMount(); err != nil {
		log.Fatal(err)
	}
	fmt.Println("ok")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		if err := d.obey(lines.Text()); err != nil {
			log.Fatal(err)
		}
		fmt.Println("ok")
	}
	// Lazily, because a process may still have a file of it open.
	if err := syscall.Unmount(os.Args[2], syscall.MNT_DETACH); err != nil {
		log.Fatal(err)
	}
}
