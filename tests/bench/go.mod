module libtransmit/tests/bench

go 1.26
