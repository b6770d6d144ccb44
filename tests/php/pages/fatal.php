<?php

echo "before a fatal error\n";
undefined_function();
