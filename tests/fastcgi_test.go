package tests

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"time"
)

// The FastCGI records that one request needs.
const (
	fcgiBegin  = 1
	fcgiEnd    = 3
	fcgiParams = 4
	fcgiStdin  = 5
	fcgiStdout = 6
	fcgiStderr = 7
)

type fcgiHeader struct {
	Version, Type          uint8
	ID, Length             uint16
	PaddingLength, Reserve uint8
}

// page is what PHP answered: headers and body, as the web server gets them.
type page struct {
	text   string
	errors string
}

// fetch asks php-fpm for a script's page.
func fetch(socket string, params map[string]string) (page, error) {
	conn, err := net.DialTimeout("unix", socket, 5*time.Second)
	if err != nil {
		return page{}, err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := conn.Write(fcgiRequest(params)); err != nil {
		return page{}, err
	}
	return readPage(conn)
}

func fcgiRequest(params map[string]string) []byte {
	var pairs, all bytes.Buffer
	for name, value := range params {
		for _, text := range []string{name, value} {
			binary.Write(&pairs, binary.BigEndian, uint32(len(text))|1<<31)
		}
		pairs.WriteString(name + value)
	}
	record := func(kind uint8, content []byte) {
		binary.Write(&all, binary.BigEndian, fcgiHeader{Version: 1, Type: kind, ID: 1, Length: uint16(len(content))})
		all.Write(content)
	}
	record(fcgiBegin, []byte{0, 1, 0, 0, 0, 0, 0, 0}) // a responder; close afterwards
	record(fcgiParams, pairs.Bytes())
	record(fcgiParams, nil)
	record(fcgiStdin, nil)
	return all.Bytes()
}

func readPage(conn io.Reader) (page, error) {
	var out, errors bytes.Buffer
	for {
		var header fcgiHeader
		if err := binary.Read(conn, binary.BigEndian, &header); err != nil {
			return page{}, err
		}
		content := make([]byte, int(header.Length)+int(header.PaddingLength))
		if _, err := io.ReadFull(conn, content); err != nil {
			return page{}, err
		}
		content = content[:header.Length]
		switch header.Type {
		case fcgiStdout:
			out.Write(content)
		case fcgiStderr:
			errors.Write(content)
		case fcgiEnd:
			if content[4] != 0 {
				return page{}, fmt.Errorf("FastCGI protocol status %d", content[4])
			}
			return page{text: out.String(), errors: errors.String()}, nil
		}
	}
}
