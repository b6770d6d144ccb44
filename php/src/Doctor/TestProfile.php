<?php

namespace Transmit\Doctor;

use Transmit\Encoder;
use Transmit\ProfileSender;
use Transmit\SendCall;
use Transmit\Settings;

/**
 * Sends one test profile in the way that applications do.
 */
final class TestProfile
{
    /** @param bool $canBeSent false: it is not sent, because it would only be a file in the buffer */
    public static function send(Settings $settings, bool $canBeSent): Finding
    {
        if (!$canBeSent) {
            return Finding::fail('test profile', 'not sent, because the listener would not take it', 'see above');
        }
        $id = 'doctor-' . bin2hex(random_bytes(8));
        $data = ['correlation_id' => $id, 'url' => '/doctor', 'elapsed_ms' => 0.0, '_meta' => ProfileSender::meta()];
        $start = hrtime(true);
        $call = new SendCall($settings, $start);
        $outcome = $call->toListener(Encoder::whole($data), $settings->listenerSocket);
        $text = sprintf('correlation_id %s, %.2f ms', $id, (hrtime(true) - $start) / 1e6);
        return $outcome->isSent()
            ? Finding::ok('test profile', "sent: $text. Look for it at the listener's far end")
            : Finding::fail(
                'test profile',
                "not sent: $text: $outcome->why",
                'see what the line says, and the findings above'
            );
    }
}
