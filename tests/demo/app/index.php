<?php

/**
 * The demo's application: a business plan of formulas. It knows nothing of profiles.
 */

spl_autoload_register(static function (string $class): void {
    require __DIR__ . '/' . substr($class, strlen('Demo\\')) . '.php';
});

$sheet = new Demo\Sheet([
    'customers' => 'last_customers * 1.03 + 12 + 8 * wave(month) - churn',
    'churn' => 'min(last_customers * 0.02, 40) + (month > 24 ? sqrt(month) : 0)',
    'price' => '19.90 * 1.01 ^ (month / 12) - (customers > 900 ? 1.50 : 0)',
    'revenue' => 'customers * price',
    'staff' => '3 + max(0, customers - 200) / 150',
    'cost' => 'staff * 4200 + customers * 2.35 + 1800',
    'profit' => 'revenue - cost - (revenue > cost ? (revenue - cost) * 0.25 : 0)',
    'cash' => 'last_cash + profit',
], ['customers' => 450.0, 'churn' => 0.0, 'price' => 19.9, 'revenue' => 0.0, 'staff' => 3.0, 'cost' => 0.0,
    'profit' => 0.0, 'cash' => 50000.0]);

header('Content-Type: text/plain');
echo (new Demo\Report($sheet->months(max(1, min(120, (int) ($_GET['months'] ?? 60))))))->render('Plan', 'cash');
