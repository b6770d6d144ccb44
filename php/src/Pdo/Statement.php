<?php

namespace Transmit\Pdo;

use Transmit\Profiler;

/**
 * A PDO statement that reports its queries to the profiler:
 * $pdo->setAttribute(PDO::ATTR_STATEMENT_CLASS, [Transmit\Pdo\Statement::class]);
 *
 * It sees prepared statements only, not PDO::query() and PDO::exec().
 */
class Statement extends \PDOStatement
{
    protected function __construct()
    {
    }

    /** @param array<mixed>|null $params */
    public function execute($params = null): bool
    {
        if (!Profiler::isActive()) {
            return parent::execute($params);
        }
        $start = hrtime(true);
        try {
            return parent::execute($params);
        } finally {
            Profiler::query($this->queryString, (hrtime(true) - $start) / 1e6);
        }
    }
}
