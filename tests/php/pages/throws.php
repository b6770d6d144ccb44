<?php

set_exception_handler(function (Throwable $e): void {
    echo 'handled: ', $e->getMessage(), "\n";
});
throw new DomainException('of the page');
