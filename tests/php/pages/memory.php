<?php

echo "before the memory is used up\n";
echo strlen(str_repeat('x', 1 << 30));
