<?php

echo "body\n";
fastcgi_finish_request();
echo "nobody reads this\n";
