<?php

namespace Transmit\Profiler;

/**
 * The profiler's settings: keys of get_profiling_config(). A key that the array does not have is read from php.ini, as
 * transmit.KEY.
 *
 * key                 default
 * profiler            "auto"  the first of excimer, tideways_xhprof, xhprof that is loaded; or one of these; or "none"
 * sample_interval_ms  10      the interval of excimer
 * sample_rate         1       the share of requests that are measured, 0 to 1
 * slow_threshold_ms   0       faster requests are not sent. Also PROFILER_SLOW_MS in the environment
 * max_per_minute      0       profiles a minute, of all processes of a user together; 0: no limit
 * force_secret        ""      a request with this value in the header X-Transmit-Profile is always measured and sent
 * exclude             []      URL paths that are not measured; "*" matches any text: ["/health", "/assets/*"]
 * profile_cli         null    true: measure each command; null: only one with -d auto_prepend_file=…
 * finish_request      false   true: the response ends when the profile is sent, before PHP calls destructors
 * stacks              false   true: add excimer's stacks, one a line, for a flame graph
 * call_graph          false   true: add each pair of caller and callee of (tideways_)xhprof
 * correlation_id_header  ""   the request header whose value becomes the correlation_id, such as X-Request-Id. It must
 *                             be one that your proxy sets, because visitors can send any other. "": a new id
 * url_query           false   query parameters to keep: true for all, or a list of names
 */
final class Options
{
    public const DEFAULTS = [
        'profiler' => 'auto',
        'sample_interval_ms' => 10,
        'sample_rate' => 1,
        'slow_threshold_ms' => 0,
        'max_per_minute' => 0,
        'force_secret' => '',
        'exclude' => [],
        'profile_cli' => null,
        'finish_request' => false,
        'stacks' => false,
        'call_graph' => false,
        'correlation_id_header' => '',
        'url_query' => false,
    ];

    private const PROFILERS = ['auto', 'excimer', 'tideways_xhprof', 'xhprof', 'none'];

    private const HEADER_LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-';

    private const RANGES = [
        'sample_interval_ms' => [0.1, 10000],
        'sample_rate' => [0, 1],
        'slow_threshold_ms' => [0, INF],
    ];

    public string $profiler;
    public float $sampleIntervalMs;
    public float $sampleRate;
    public float $slowThresholdMs;
    public int $maxPerMinute;
    public string $forceSecret;
    /** @var list<string> */
    public array $exclude;
    public ?bool $profileCli;
    public bool $finishRequest;
    public bool $stacks;
    public bool $callGraph;
    public string $correlationIdHeader;
    /** @var bool|list<string> */
    public $urlQuery;

    /** @var mixed the argument of the constructor */
    public $given;

    /** @param mixed $config the application's array */
    public function __construct($config)
    {
        $this->given = $config;
        $config = is_array($config) ? $config : [];
        $values = self::DEFAULTS;
        foreach (self::DEFAULTS as $key => $default) {
            $value = $config[$key] ?? self::fromIni($key, $default);
            if ($value !== $default && self::isPossible($key, $value)) {
                $values[$key] = $value;
            }
        }
        $this->profiler = $values['profiler'];
        $this->sampleIntervalMs = (float) $values['sample_interval_ms'];
        $this->sampleRate = (float) $values['sample_rate'];
        $slowMs = function_exists('getenv') ? max(0, (float) getenv('PROFILER_SLOW_MS')) : 0;
        $this->slowThresholdMs = (float) ($values['slow_threshold_ms'] ?: $slowMs);
        $this->maxPerMinute = $values['max_per_minute'];
        $this->forceSecret = $values['force_secret'];
        $this->exclude = $values['exclude'];
        $this->profileCli = $values['profile_cli'];
        $this->finishRequest = $values['finish_request'];
        $this->stacks = $values['stacks'];
        $this->callGraph = $values['call_graph'];
        $this->correlationIdHeader = $values['correlation_id_header'];
        $this->urlQuery = $values['url_query'];
    }

    /** @return list<string> the keys that have an impossible value there */
    public static function problems(array $config): array
    {
        $problems = [];
        foreach (array_intersect_key($config, self::DEFAULTS) as $key => $value) {
            if ($value !== null && !self::isPossible($key, $value)) {
                $problems[] = $key;
            }
        }
        return $problems;
    }

    /**
     * @param mixed $default
     * @return mixed php.ini's text in the default's type; as it is, if it cannot be that
     */
    private static function fromIni(string $key, $default)
    {
        $text = get_cfg_var("transmit.$key");
        if (!is_string($text)) {
            return $default;
        }
        if (is_array($default)) {
            return preg_split('/[\s,]+/', $text, -1, PREG_SPLIT_NO_EMPTY);
        }
        if ($key === 'url_query' && filter_var($text, FILTER_VALIDATE_BOOLEAN, FILTER_NULL_ON_FAILURE) === null) {
            return explode(',', $text);
        }
        if (is_string($default)) {
            return $key === 'profiler' && $text === '' ? 'none' : $text; // as PHP reads none without quotation marks
        }
        return is_int($default)
            ? (is_numeric($text) ? $text + 0 : $text)
            : filter_var($text, FILTER_VALIDATE_BOOLEAN, FILTER_NULL_ON_FAILURE) ?? $text;
    }

    /** @param mixed $value */
    private static function isPossible(string $key, $value): bool
    {
        switch ($key) {
            case 'profiler':
                return in_array($value, self::PROFILERS, true);
            case 'force_secret':
                return is_string($value);
            case 'correlation_id_header':
                return is_string($value) && strlen($value) <= 64
                    && strspn($value, self::HEADER_LETTERS) === strlen($value);
            case 'exclude':
                return self::areTexts($value);
            case 'url_query':
                return is_bool($value) || self::areTexts($value);
            case 'profile_cli':
                return $value === null || is_bool($value);
            case 'max_per_minute':
                return is_int($value) && $value >= 0;
        }
        return isset(self::RANGES[$key])
            ? (is_int($value) || is_float($value))
                && $value >= self::RANGES[$key][0] && $value <= self::RANGES[$key][1]
            : is_bool($value);
    }

    /** @param mixed $value */
    private static function areTexts($value): bool
    {
        return is_array($value) && array_filter($value, 'is_string') === $value && array_values($value) === $value;
    }
}
