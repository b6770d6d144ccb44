module libtransmit/tests/gohost

go 1.26
