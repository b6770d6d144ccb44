<?php

class Late
{
    public function __destruct()
    {
        echo "destructor\n";
    }
}

$late = new Late();
register_shutdown_function(function (): void {
    echo "shutdown function\n";
    register_shutdown_function(function (): void {
        echo "another one\n";
        exit;
    });
});
echo "body\n";
