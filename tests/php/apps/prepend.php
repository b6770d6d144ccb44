<?php

/**
 * For auto_prepend_file of the applications' pools: each pool has its own DokuWiki, and some have the profiler.
 */

define('DOKU_CONF', getenv('APP_FOLDER') . '/dokuwiki/conf/');
if (getenv('APP_PROFILER') !== 'none') {
    require dirname(__DIR__) . '/scripts/prepend.php';
}
